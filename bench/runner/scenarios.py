"""The rows of the table. Each returns figures by subject; bars are judged in report.py."""
import json
import subprocess
import time
from statistics import median

from . import identity
from .measure import Load, count_syscalls, measure, run_load
from .programs import BenchError, rss_bytes, run_ns, start

ONE_KB = 1024


def gateways(subjects):
    return [subject for subject in subjects if subject.name != "direct" and not subject.own_rows]


def alternate(setting, subjects, load, what):
    """Rounds in turn, the order reversed every second time. Returns results by subject."""
    results = {subject.name: [] for subject in subjects}
    for number in range(setting.rounds):
        order = subjects if number % 2 == 0 else list(reversed(subjects))
        for subject in order:
            results[subject.name].append(measure(setting, subject, load, what))
    return results


def per(result, unit):
    return result["processes"]["gateway"]["run_ns"] / 1000 / result[unit]


def cpu_row(setting, subjects, load, what, unit="completed"):
    results = alternate(setting, subjects, load, what)
    row = {}
    for name, rounds in results.items():
        row[name] = {
            "cpu_us": median(per(one, unit) for one in rounds),
            "rounds_cpu_us": [round(per(one, unit), 2) for one in rounds],
            "per_second": median(one[unit] / one["seconds"] for one in rounds),
            "core_busy": median(one["processes"]["gateway"]["run_ns"] / 1e9 / one["seconds"] for one in rounds),
            "latency_us": rounds[-1]["first_chunk_us" if load.sse else "latency_us"],
            "foreign": [round(one["foreign"], 3) for one in rounds],
            "noisy": any(one["noisy"] for one in rounds),
        }
    return row


def cpu_1k(setting, subjects):
    return cpu_row(setting, gateways(subjects), Load(32, ONE_KB), "CPU 1 KB c=32")


def cpu_16k(setting, subjects):
    return cpu_row(setting, gateways(subjects), Load(16, 16 * ONE_KB), "CPU 16 KB c=16")


def sse_256(setting, subjects):
    # The first streams of all connections have begun and are evenly spread when the window opens.
    return cpu_row(setting, gateways(subjects), Load(256, sse=True, warmup=max(0.5, setting.warmup)), "SSE 256 streams", "chunks")


def added_latency(setting, subjects):
    """What each gateway adds to the direct way at one connection, round by round."""
    if not any(subject.name == "direct" for subject in subjects):
        return {}
    results = alternate(setting, [subject for subject in subjects if not subject.own_rows], Load(1, ONE_KB), "latency c=1")
    direct = results["direct"]
    row = {}
    for name, rounds in results.items():
        row[name] = {"p50_us": median(one["latency_us"]["p50"] for one in rounds), "p99_us": median(one["latency_us"]["p99"] for one in rounds),
                     "foreign": [round(one["foreign"], 3) for one in rounds], "noisy": any(one["noisy"] for one in rounds)}
        if name != "direct":
            for share in ("p50", "p99"):
                row[name][f"added_{share}_us"] = median(mine["latency_us"][share] - plain["latency_us"][share]
                                                        for mine, plain in zip(rounds, direct))
            row[name]["cpu_us"] = median(per(one, "completed") for one in rounds)
    return row


def syscalls(setting, subjects):
    row = {}
    for subject in gateways(subjects):
        one, method = count_syscalls(setting, subject, 1)
        many, _ = count_syscalls(setting, subject, 32)
        row[subject.name] = {"c1": one, "c32": many, "method": method}
    return row


def allocations(setting, subjects):
    """A fresh process of each gateway with the counting library; differences between two points of steady state."""
    row = {}
    for subject in gateways(subjects):
        counters = setting.folder / f"malloc-{subject.name}"
        subject.stop()
        subject.start({"LD_PRELOAD": str(setting.build / "wye_bench_malloc_count.so"), "WYE_BENCH_MALLOC_FILE": str(counters)})
        try:
            if not counters.exists() or int.from_bytes(counters.read_bytes()[:8], "little") == 0:
                raise BenchError(f"allocations, {subject.name}: the counter saw none at start-up, so it would see none later")
            extra = ("--malloc-file", counters)
            unary = run_load(setting, subject, Load(32, ONE_KB, warmup=max(1.0, setting.warmup), extra=extra))
            stream = run_load(setting, subject, Load(256, sse=True, warmup=max(2.0, setting.warmup), extra=extra))
            for result in (unary, stream):
                if result["failures"]:
                    raise BenchError(f"allocations, {subject.name}: {result['first_failure'][:300]}")
            row[subject.name] = {"per_request": unary["malloc_calls"] / unary["completed"],
                                 "bytes_per_request": unary["malloc_bytes"] / unary["completed"],
                                 "per_chunk": stream["malloc_calls"] / stream["chunks"]}
        finally:
            subject.stop()
            subject.start()
    return row


def memory(setting, subjects, scale=1.0):
    """RSS of a fresh process: idle, after a tenth of the load, after all of it. And what it costs to do nothing."""
    row = {}
    requests, streams = int(100_000 * scale), int(10_000 * scale)
    for subject in gateways(subjects):
        subject.stop()
        subject.start()
        time.sleep(1)
        pids = subject.pids()
        idle = rss_bytes(pids)
        before = run_ns(pids)
        time.sleep(2)
        idle_cpu = (run_ns(pids) - before) / 1e6 / 2
        points = []
        for share in (0.1, 0.9):
            for load in (Load(32, ONE_KB, requests=int(requests * share), warmup=0),
                         Load(min(256, int(streams * share)), sse=True, chunks=16, spacing_us=5000, requests=int(streams * share), warmup=0)):
                result = run_load(setting, subject, load)
                if result["failures"]:
                    raise BenchError(f"memory, {subject.name}: {result['first_failure'][:300]}")
            points.append(rss_bytes(subject.pids()))
        row[subject.name] = {"idle_mb": idle / 1e6, "tenth_mb": points[0] / 1e6, "full_mb": points[1] / 1e6,
                             "growth": points[1] / points[0] - 1, "idle_cpu_ms_per_s": idle_cpu, "requests": requests, "streams": streams}
    return row


def streams_1024(setting, subjects):
    """Correctness, not cost: every chunk of 2,048 streams, 1,024 at a time."""
    row = {}
    for subject in gateways(subjects):
        load = Load(1024, sse=True, requests=2048, warmup=0, extra=("--include-usage",))
        result = run_load(setting, subject, load)
        row[subject.name] = {"streams": result["completed_all"], "chunks": result["chunks_all"], "expected_chunks": 2048 * load.chunks,
                             "failures": result["failures"], "first_failure": result["first_failure"],
                             "first_chunk_us": result["first_chunk_us"], "chunk_gap_us": result["chunk_gap_us"],
                             "core_busy": result["processes"]["gateway"]["run_ns"] / 1e9 / result["seconds"]}
    return row


def identity_unary(setting, subjects):
    return identity.identity_unary(setting, subjects, cpu_row)


def identity_micro(setting, subjects):
    """Single steps of the product, each beside what it is built on, in one process: no gateway, no load."""
    process = start([setting.build / "wye_bench_micro", "--rounds", 5 if setting.seconds <= 1 else 15], setting.gateway_core,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    if process.returncode != 0 or not out:
        raise BenchError(f"wye_bench_micro ended with code {process.returncode}: {err.decode().strip()}")
    return {"wye": micro_row(json.loads(out))}


def micro_row(steps):
    """Microseconds by the median, and ratios to what a step is built on; a step that the program has not is absent."""
    row = {f"{name}_us": one["median_ns"] / 1000 for name, one in steps.items() if isinstance(one, dict)}
    for ratio, step, base in MICRO_RATIOS:
        if step in steps and base in steps:
            row[ratio] = steps[step]["median_ns"] / steps[base]["median_ns"]
    junk = [row[name] for name in ("junk_noise_us", "junk_unknown_kid_us", "token_junk_other_audience_us") if name in row]
    if junk:
        row["junk_us"] = max(junk)
    return row


# (figure, step, what it is built on)
MICRO_RATIOS = [("rs256_cold_ratio", "rs256_cold", "rs256_bare_evp_digest_verify_copied_context"),
                ("token_cached_ratio", "token_cached", "token_bare_sha256")]


def descriptors_allowed():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192
    if soft < wanted <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    elif hard < wanted:
        raise BenchError(f"only {hard} open files are allowed, {wanted} are needed\n  help: ulimit -n {wanted}")


SCENARIOS = {"cpu_1k": cpu_1k, "cpu_16k": cpu_16k, "added_latency": added_latency, "sse_256": sse_256, "syscalls": syscalls,
             "allocations": allocations, "memory": memory, "streams_1024": streams_1024, "identity_micro": identity_micro,
             "identity_unary": identity_unary, "junk": identity.junk}
