"""One measurement: a run of the load generator against a subject, and whether it may count."""
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .programs import BenchError, Stub, start, stop


@dataclass
class Setting:
    bench: Path
    build: Path
    folder: Path        # temporary
    nginx: str
    gateway_core: int
    load_core: int
    rounds: int
    seconds: float
    warmup: float
    attempts: int       # a void or noisy round is repeated so often
    foreign_max: float  # share of a core
    stub: Stub = None
    notes: list = field(default_factory=list)
    busy_rows: set = field(default_factory=set)  # rows whose attempts ran out once: their other rounds get one attempt


@dataclass
class Load:
    """The flags of one run of the load generator."""
    connections: int
    body_bytes: int = 1024
    sse: bool = False
    chunks: int = 64
    spacing_us: int = 20000
    requests: int = 0
    seconds: float = 0
    warmup: float = None
    rate: float = 0          # requests a second, open loop; 0: closed loop
    headers: tuple = None    # instead of the subject's own
    extra: tuple = ()

    def flags(self, setting):
        out = ["--connections", self.connections, "--body-bytes", self.body_bytes, "--chunks", self.chunks, "--spacing-us", self.spacing_us]
        if self.sse:
            out.append("--sse")
        if self.requests:
            out += ["--requests", self.requests, "--timeout", 120]
        else:
            out += ["--seconds", self.seconds or setting.seconds]
        if self.rate:
            out += ["--rate", self.rate]
        warmup = self.warmup if self.warmup is not None else setting.warmup
        return out + ["--warmup", warmup, *self.extra]


def begin_load(setting, subject, load, watch=()):
    """Starts the load generator; `watch` holds further processes of the run as NAME=PID."""
    command = [setting.build / "wye_bench_load", "--url", subject.url, "--model", subject.model, *load.flags(setting)]
    for header in subject.headers if load.headers is None else load.headers:
        command += ["--header", header]
    watched = [f"stub={setting.stub.process.pid}", f"runner={os.getpid()}", *watch]
    if subject.pids():
        watched.append("gateway=" + ",".join(str(pid) for pid in subject.pids()))
    for group in watched:
        command += ["--watch", group]
    return start(command, setting.load_core, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end_load(process):
    """Waits for it and returns its result."""
    out, err = process.communicate()
    if process.returncode not in (0, 1) or not out:
        raise BenchError(f"the load generator ended with code {process.returncode}: {err.decode().strip()}")
    return json.loads(out)


def run_load(setting, subject, load):
    """Runs it once and returns the result, `foreign` (share of foreign CPU) included."""
    subject.between_runs()
    result = end_load(begin_load(setting, subject, load))
    result["foreign"] = foreign_share(setting, result)
    return result


def run_beside(setting, subject, load, other):
    """As run_load, while a second generator makes the load `other`, whose result is in `beside`; it begins earlier and ends later."""
    subject.between_runs()
    second = begin_load(setting, subject, other)
    try:
        time.sleep(0.1)
        result = end_load(begin_load(setting, subject, load, (f"beside={second.pid}",)))
        result["beside"] = end_load(second)
    finally:
        if second.poll() is None:
            stop(second)
    result["foreign"] = foreign_share(setting, result)
    if result["beside"]["failures"]:
        result["failures"] += result["beside"]["failures"]
        result["first_failure"] = result["first_failure"] or "beside: " + result["beside"]["first_failure"]
    return result


def foreign_share(setting, result):
    """CPU used by others than the programs of the run, as a share of the worse of the pinned cores that the run uses."""
    own = {setting.load_core: 0}
    if "gateway" in result["processes"]:
        own[setting.gateway_core] = 0
    for name, group in result["processes"].items():
        own[setting.gateway_core if name == "gateway" else setting.load_core] += group["tick_ns"]
    wall = result["seconds"] * 1e9
    shares = []
    for core, used in own.items():
        ticks = result["cores"].get(str(core), {"busy_ns": 0, "steal_ns": 0})
        shares.append((ticks["busy_ns"] + ticks["steal_ns"] - used) / wall)
    return max(0.0, *shares)


def measure(setting, subject, load, what, run=None):
    """Repeats a void or noisy run (`run` instead of run_load). Returns the first that counts, else the least noisy with `noisy` set;
    raises where all were void."""
    run = run or run_load
    best = None
    attempts = 1 if what in setting.busy_rows else setting.attempts
    for attempt in range(attempts):
        result = run(setting, subject, load)
        if result["failures"]:
            setting.notes.append(f"{what}, {subject.name}: void, {result['failures']} wrong or refused: {result['first_failure'][:300]}")
        else:
            result["noisy"] = result["foreign"] > setting.foreign_max
            if not result["noisy"]:
                return result
            if best is None or result["foreign"] < best["foreign"]:
                best = result
        if attempt + 1 < attempts:
            time.sleep(min(2.0, 0.5 * (attempt + 1)))
    if best is None:
        raise BenchError(f"{what}, {subject.name}: every attempt was void: {setting.notes[-1]}")
    if what not in setting.busy_rows:
        setting.notes.append(f"{what}, {subject.name}: {best['foreign']:.0%} foreign CPU in the best of {attempts} attempts")
    setting.busy_rows.add(what)
    return best


def count_syscalls(setting, subject, connections):
    """System calls a request of the gateway's processes, and the method."""
    load = Load(connections, seconds=max(1.0, setting.seconds / 2), extra=("--count-syscalls",))
    try:
        result = run_load(setting, subject, load)
        if result["failures"]:
            raise BenchError(f"system calls, {subject.name}: {result['first_failure'][:300]}")
        return result["processes"]["gateway"]["syscalls"] / result["completed"], "tracepoint raw_syscalls:sys_enter"
    except BenchError as error:
        if "tracepoint" not in str(error) and "perf_event_open" not in str(error):
            raise
    return strace_syscalls(setting, subject, connections), "strace -f -c"


def strace_syscalls(setting, subject, connections):
    report = setting.folder / "strace.txt"
    command = ["strace", "-f", "-c", "-o", str(report)]
    for pid in subject.pids():
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        result = run_load(setting, subject, Load(connections, requests=5000, warmup=0))
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    total = re.search(r"^100\.00\s.*?(\d+)\s+(?:\d+\s+)?total$", report.read_text(), re.M)
    if not total or result["failures"]:
        raise BenchError(f"system calls, {subject.name}: strace gave no total")
    return int(total.group(1)) / result["completed_all"]
