"""Bars, the table, the files in bench/results."""
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path


def ratio(row, figure):
    if "wye" not in row or "nginx" not in row:
        return None
    return row["wye"][figure] / row["nginx"][figure]


def value(row, figure, subject="wye"):
    return row[subject].get(figure) if subject in row else None


def losses(row):
    if "wye" not in row:
        return None
    one = row["wye"]
    return one["failures"] + abs(one["expected_chunks"] - one["chunks"])


def by_token(row):
    if "wye" not in row or "wye_token" not in row:
        return None
    return row["wye_token"]["cpu_us"] / row["wye"]["cpu_us"]


# (title, scenario, figure of Wye that is judged, bar, aim, unit, figure to show for a subject)
BARS = [
    ("CPU per request, 1 KB, c=32", "cpu_1k", lambda r: ratio(r, "cpu_us"), 1.3, 0.8, "× nginx", ("cpu_us", "µs")),
    ("CPU per request, 16 KB, c=16", "cpu_16k", lambda r: ratio(r, "cpu_us"), 1.5, 1.0, "× nginx", ("cpu_us", "µs")),
    ("latency added at c=1, p50", "added_latency", lambda r: ratio(r, "added_p50_us"), 1.2, 0.9, "× nginx", ("added_p50_us", "µs")),
    ("latency added at c=1, p99", "added_latency", lambda r: ratio(r, "added_p99_us"), 1.4, 1.0, "× nginx", ("added_p99_us", "µs")),
    ("SSE, 256 streams: CPU per chunk", "sse_256", lambda r: ratio(r, "cpu_us"), 1.15, 0.9, "× nginx", ("cpu_us", "µs")),
    ("system calls per request, c=1", "syscalls", lambda r: value(r, "c1"), 7, 6.0, "", ("c1", "")),
    ("system calls per request, c=32", "syscalls", lambda r: value(r, "c32"), 5, 4.1, "", ("c32", "")),
    ("allocations per request", "allocations", lambda r: value(r, "per_request"), 4, 0.05, "", ("per_request", "")),
    ("allocations per SSE chunk", "allocations", lambda r: value(r, "per_chunk"), 0.05, 0.02, "", ("per_chunk", "")),
    ("RSS, idle", "memory", lambda r: value(r, "idle_mb"), 30, 15, "MB", ("idle_mb", "MB")),
    ("RSS, growth after the first tenth", "memory", lambda r: value(r, "growth"), 0.10, None, "", ("growth", "")),
    ("1,024 streams: lost or out of order", "streams_1024", losses, 0, 0, "", ("failures", "")),
    ("RS256-2048, first verification", "identity_micro", lambda r: value(r, "rs256_cold_ratio"), 1.2, None, "× EVP_DigestVerify",
     ("rs256_cold_us", "µs")),
    ("verified token, from the cache", "identity_micro", lambda r: value(r, "token_cached_ratio"), 2.5, None, "× SHA-256",
     ("token_cached_us", "µs")),
    ("junk token refused (100,000 a second)", "identity_micro", lambda r: value(r, "junk_us"), 10, None, "µs", ("junk_us", "µs")),
    ("authorisation, 10,000 grants", "identity_micro", lambda r: value(r, "access_request_us"), 1, None, "µs", ("access_request_us", "µs")),
    ("CPU per request, token and roles, c=32", "identity_unary", by_token, 1.15, None, "× API key", ("cpu_us", "µs")),
    ("p99 of callers beside junk", "junk", lambda r: value(r, "p99_ratio", "wye_token"), 2, None, "× valid calls", ("beside_p99_us", "µs")),
    ("key fetches by junk in 5 minutes", "junk", lambda r: value(r, "fetches_in_5_minutes", "wye_token"), 1, None, "", ("fetches", "")),
]


def judge(rows):
    """One entry a bar: figures, verdict met|missed|noisy|not run."""
    out = []
    for title, scenario, figure, bar, aim, unit, shown in BARS:
        row = rows.get(scenario)
        if not row:
            continue
        got = figure(row)
        verdict = "not run" if got is None else "met" if got <= bar else "missed"
        if got is not None and any(row[name].get("noisy") for name in row):
            verdict += ", noisy"
        out.append({"what": title, "bar": bar, "aim": aim, "unit": unit, "wye_judged": got, "verdict": verdict,
                    "nginx": row.get("nginx", {}).get(shown[0]), "wye": row.get("wye_token", row.get("wye", {})).get(shown[0]),
                    "shown_unit": shown[1],
                    "noisy": any(row[name].get("noisy") for name in row)})
    return out


def text_of(number, unit=""):
    if number is None:
        return "–"
    return (f"{number:.0f}" if abs(number) >= 1000 else f"{number:.3g}") + (f" {unit}" if unit else "")


def table(judged):
    lines = ["| what | nginx | Wye | judged | bar | aim | verdict |", "|---|---|---|---|---|---|---|"]
    for one in judged:
        lines.append(f"| {one['what']} | {text_of(one['nginx'], one['shown_unit'])} | {text_of(one['wye'], one['shown_unit'])} "
                     f"| {text_of(one['wye_judged'], one['unit'])} | ≤ {one['bar']} | {one['aim'] if one['aim'] is not None else '–'} "
                     f"| {one['verdict']}{'; noisy' if one['noisy'] and one['verdict'] == 'not run' else ''} |")
    return "\n".join(lines)


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return ((done.stdout or done.stderr).strip().splitlines() or [None])[0]


def machine_facts(setting):
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    root = setting.bench.parent
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(), "memory_mb": int(memory.group(1)) // 1024,
            "kernel": platform.release(), "nginx": first_line([setting.nginx, "-v"]), "compiler": first_line(["clang++-19", "--version"]),
            "commit": first_line(["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]),
            "dirty": bool(first_line(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])),
            "gateway_core": setting.gateway_core, "load_and_stub_core": setting.load_core, "load_average_at_start": os.getloadavg()[0]}


def identity_lines(rows):
    lines = []
    unary, junk = rows.get("identity_unary"), rows.get("junk", {}).get("wye_token")
    if unary:
        lines += [f"Unary, 1 KB, c=32: {text_of(unary['wye']['cpu_us'])} µs of CPU a request by API key, {text_of(unary['wye_token']['cpu_us'])} µs "
                  "by an access token of 1.3 KB (RS256) with Tenant, Role and Grant.", ""]
    if junk:
        lines += [f"Junk: {text_of(junk['junk_saturating_per_second'])} distinct tokens a second refused in a closed loop (the gateway's core "
                  f"{junk['junk_saturating_core_busy']:.0%} busy); half of that, {text_of(junk['junk_per_second'])} a second (reached: "
                  f"{text_of(junk['beside_reached_per_second'])}), beside {junk['valid_per_second']} valid calls a second, whose p99 is "
                  f"{text_of(junk['beside_p99_us'])} µs; with {text_of(junk['in_place_per_second'])} valid calls a second in place of the junk "
                  f"(reached: {text_of(junk['in_place_reached_per_second'])}; the closed loop makes "
                  f"{text_of(junk['valid_closed_loop_per_second'])}) it is {text_of(junk['in_place_p99_us'])} µs. Fetches of keys "
                  f"beyond the scheduled one, in {junk['seconds']:.0f} s of junk: {junk['fetches']}.", ""]
    return lines


def markdown(result):
    facts = result["machine"]
    lines = [f"# Benchmark of {result['date']}, commit {facts['commit']}{' with local changes' if facts['dirty'] else ''}", "",
             table(result["bars"]), ""]
    latency = result["rows"].get("added_latency")
    if latency and "direct" in latency:
        lines += [f"Direct at c=1: p50 {text_of(latency['direct']['p50_us'])} µs, p99 {text_of(latency['direct']['p99_us'])} µs. "
                  "Added = the gateway's quantile less the direct one of the same round.", ""]
    for name, one in result["rows"].get("memory", {}).items():
        lines += [f"{name}: {one['requests']} requests and {one['streams']} streams; RSS {text_of(one['idle_mb'])} MB idle, "
                  f"{text_of(one['tenth_mb'])} MB after the first tenth, {text_of(one['full_mb'])} MB at the end; "
                  f"idle CPU {text_of(one['idle_cpu_ms_per_s'])} ms/s.", ""]
    micro = result["rows"].get("identity_micro", {}).get("wye")
    if micro:
        lines += ["Single steps, µs by the median of alternating batches: "
                  + ", ".join(f"{name.removesuffix('_us')} {text_of(one)}" for name, one in micro.items() if name.endswith("_us")) + ".", ""]
    lines += identity_lines(result["rows"])
    methods = {one["method"] for one in result["rows"].get("syscalls", {}).values()}
    lines += [f"Machine: {facts['cpu']}, {facts['cores']} cores, {facts['memory_mb']} MB, Linux {facts['kernel']}; {facts['nginx']}; "
              f"{facts['compiler']}. Gateway under test on core {facts['gateway_core']}, load generator and stub upstream together on core "
              f"{facts['load_and_stub_core']}. {result['rounds']} alternating rounds of {result['seconds']} s, medians; CPU is run time by the "
              "scheduler of every process of the gateway. Request bodies of 1 KB or 16 KB, answers of 1 KB."
              + (f" System calls: {', '.join(sorted(methods))}." if methods else ""), ""]
    if result["quick"]:
        lines += ["A quick run: for development, not for comparison.", ""]
    stub = result.get("stub")
    if stub:
        lines += [f"The stub upstream saw {stub['requests']} requests, {stub['protocol_errors']} protocol errors, "
                  f"{stub['unauthorized']} without its key.", ""]
    if result["notes"]:
        lines += ["Notes:", "", *[f"* {note}" for note in result["notes"]], ""]
    return "\n".join(lines)


def write(result, folder):
    """One file a run, and latest.md beside them. Returns the text."""
    folder.mkdir(exist_ok=True)
    name = time.strftime("%Y-%m-%d-%H%M%S") + f"-{result['machine']['commit']}" + ("-quick" if result["quick"] else "")
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    text = markdown(result)
    (folder / f"{name}.md").write_text(text)
    (folder / "latest.md").write_text(text)
    return text
