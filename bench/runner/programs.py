"""Starting, pinning and ending the programs of a run."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path


class BenchError(Exception):
    """What went wrong, for the person who runs the benchmark."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise BenchError(f"{what} ended at its start with code {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchError(f"{what} does not listen on port {port} after {seconds} s")


def start(command, core, env=None, stdout=subprocess.DEVNULL, stderr=None):
    """Starts a program pinned to one core, in its own session."""
    return subprocess.Popen([str(part) for part in command], env=env, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL,
                            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))


def stop(process, seconds=10):
    """SIGTERM, then SIGKILL. Returns the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def family(pid):
    """The process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                todo += [int(child) for child in task.read_text().split()]
            except OSError:
                pass  # a thread that ended meanwhile
    return found


def rss_bytes(pids):
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Rss:\s+(\d+) kB", text, re.M).group(1)) * 1024
    return total


def run_ns(pids):
    """Run time of all threads by the scheduler."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


class Stub:
    """The stub upstream."""

    def __init__(self, build, core, authorization):
        self.process = start([build / "wye_bench_stub", "--listen", "127.0.0.1:0", "--authorization", authorization], core,
                             stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise BenchError("the stub upstream did not start")
        self.port = json.loads(line)["port"]

    def stop(self):
        """Ends it and returns its counters."""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=10)
        return json.loads(rest)
