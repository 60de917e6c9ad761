"""bench/run: the command line."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import report
from .measure import Setting
from .programs import BenchError, Stub
from .scenarios import SCENARIOS, descriptors_allowed, memory
from .subjects import SUBJECTS, UPSTREAM_AUTHORIZATION

BENCH = Path(__file__).resolve().parent.parent
TARGETS = ["wye_bench_load", "wye_bench_stub", "wye_bench_malloc_count"]


def arguments(argv):
    parser = argparse.ArgumentParser(prog="bench/run", description="Measures Wye beside nginx on this machine.")
    parser.add_argument("--subject", default=",".join(SUBJECTS), help=f"comma list of {', '.join(SUBJECTS)} (all)")
    parser.add_argument("--only", default=",".join(SCENARIOS), help="comma list of " + ", ".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=0, help="alternating rounds (5; quick 3)")
    parser.add_argument("--seconds", type=float, default=0, help="length of a window (4; quick 1)")
    parser.add_argument("--quick", action="store_true", help="short windows, a tenth of the memory load, noise accepted: for development")
    parser.add_argument("--allow-noise", action="store_true", help="do not fail because of foreign CPU; rows are marked")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they are")
    parser.add_argument("--build", type=Path, default=BENCH.parent / "build" / "release", help="build folder (build/release)")
    parser.add_argument("--results", type=Path, default=BENCH / "results", help="folder for the results (bench/results)")
    chosen = parser.parse_args(argv)
    for flag, known in (("subject", SUBJECTS), ("only", SCENARIOS)):
        names = getattr(chosen, flag).split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"--{flag}: unknown {', '.join(unknown)}; known: {', '.join(known)}")
        setattr(chosen, flag, names)
    return chosen


def build(folder, with_wye):
    root = BENCH.parent
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    targets = TARGETS + (["wye", "wye_bench_micro"] if with_wye else [])
    done = subprocess.run(["ninja", "-C", str(folder), *targets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise BenchError("the build failed\n" + done.stdout[-3000:])


def run(chosen, folder):
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None and "nginx" in chosen.subject:
        raise BenchError("nginx is not installed\n  help: apt-get install nginx-light")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("two cores are needed: one for the gateway, one for load and upstream")
    descriptors_allowed()
    quick = chosen.quick
    setting = Setting(bench=BENCH, build=chosen.build, folder=folder, nginx=nginx, gateway_core=cores[0], load_core=cores[1],
                      rounds=chosen.rounds or (3 if quick else 5), seconds=chosen.seconds or (1 if quick else 4),
                      warmup=0.3 if quick else 1.0, attempts=2 if quick else 8, foreign_max=0.08)
    os.sched_setaffinity(0, {setting.load_core})
    facts = report.machine_facts(setting)
    setting.stub = Stub(chosen.build, setting.load_core, UPSTREAM_AUTHORIZATION)
    subjects = [SUBJECTS[name](setting) for name in chosen.subject]
    rows = {}
    try:
        for subject in subjects:
            if not subject.own_rows:
                subject.start()
        for name in chosen.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            scenario = SCENARIOS[name]
            rows[name] = memory(setting, subjects, 0.1) if quick and scenario is memory else scenario(setting, subjects)
    finally:
        for subject in subjects:
            subject.stop()
        stub = setting.stub.stop()
    return {"date": time.strftime("%Y-%m-%d %H:%M %Z"), "machine": facts, "quick": quick, "rounds": setting.rounds,
            "seconds": setting.seconds, "bars": report.judge(rows), "rows": rows, "stub": stub, "notes": setting.notes}


def verdict(result, allow_noise):
    """Exit code and the reasons for it."""
    reasons = [f"{one['what']}: {text}" for one in result["bars"] if (text := one["verdict"]).startswith("missed")]
    if not allow_noise:
        reasons += [f"{one['what']}: more than 8 % foreign CPU in every attempt" for one in result["bars"] if one["noisy"]]
    if result["stub"]["protocol_errors"] or result["stub"]["unauthorized"]:
        reasons.append(f"the stub upstream got wrong requests: {result['stub']['first_error'] or 'without its key'}")
    return (1 if reasons else 0), reasons


def main(argv):
    chosen = arguments(argv)
    try:
        if not chosen.no_build:
            build(chosen.build, any(name.startswith("wye") for name in chosen.subject))
        with tempfile.TemporaryDirectory(prefix="wye-bench-") as folder:
            os.chmod(folder, 0o711)  # nginx's worker may run as another user
            result = run(chosen, Path(folder))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.write(result, chosen.results))
    code, reasons = verdict(result, chosen.allow_noise or chosen.quick)
    for reason in reasons:
        print(f"error: {reason}", file=sys.stderr)
    return code
