"""One child process: started, waited for with a deadline, ended by its id, its output kept."""

import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
TICK_SECONDS = 2 / os.sysconf("SC_CLK_TCK")  # how late the use of a core may show
_libc = ctypes.CDLL(None, use_errno=True)


def until(condition, seconds, what, every=0.02):
    """The first true value of `condition()`; fails with `what` once `seconds` have passed."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s in vain: {what}")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children_of(pid):
    """Ids of the direct children of any thread of a process."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants_of(pid):
    found = children_of(pid)
    for child in list(found):
        found += descendants_of(child)
    return found


def is_running(pid):
    """False for a process that ended, also where nobody has collected it yet."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


class Work:
    """When a process last used a core: slots of a server can not be asked without its key."""

    def __init__(self, pid):
        self.pid, self.last = pid, time.monotonic()
        self.ticks = self.used()

    def used(self):
        with open(f"/proc/{self.pid}/stat") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))

    def rests(self, seconds):
        """Looks once; whether nothing was used for so long."""
        now, ticks = time.monotonic(), self.used()
        if ticks != self.ticks:
            self.ticks, self.last = ticks, now
        time.sleep(0.01)
        return now - self.last >= seconds


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A running program. Its output goes to `log`, standard error behind `.err`; it dies with us."""

    def __init__(self, arguments, log, env=None, cwd=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log = log
        self.err = log.with_suffix(".err")
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as out, open(self.err, "ab") as err:
            self.child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd, preexec_fn=_die_with_parent
            )

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def errors(self):
        return self.err.read_text(errors="replace")

    def wait_for(self, condition, seconds, what):
        """As `until`, but ends at once, with its last words, when the program ended."""

        def check():
            value = condition()
            if not value and not self.alive():
                raise RuntimeError(
                    f"{self.arguments[0]} ended with {self.child.returncode} before: {what}\n{self.text()[-2000:]}\n{self.errors()[-2000:]}"
                )
            return value

        return until(check, seconds, what)

    def signal(self, number):
        if self.alive():
            self.child.send_signal(number)

    def wait(self, seconds):
        """The exit code; a negative one is a signal."""
        return self.child.wait(seconds)

    def stop(self, seconds=40):
        """SIGTERM, then its exit code. One that does not go is killed, and that is a failure."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.arguments[0]} did not end within {seconds} s of SIGTERM\n{self.errors()[-2000:]}") from None

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait(10)
