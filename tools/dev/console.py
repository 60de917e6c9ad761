"""How the tools speak: one line a step, a sign of life for anything over two seconds, and failures that say what to do."""
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

QUIET_SECONDS = 2.0
REPEAT_SECONDS = 15.0  # between two signs of life where there is no terminal


class StepError(Exception):
    """A step failed: `what` failed, `why`, and `how` to go on."""

    def __init__(self, what, why, how):
        super().__init__(f"{what}: {why}")
        self.what, self.why, self.how = what, why, how

    def show(self):
        print(f"error: {self.what}\n  why:  {self.why}\n  help: {self.how}", file=sys.stderr, flush=True)


def say(text):
    print(text, flush=True)


class Progress:
    """Prints `label: elapsed, note` at most every few seconds once two seconds have passed; one line that changes on a terminal."""

    def __init__(self, label):
        self.label, self.start, self.last = label, time.monotonic(), None
        self.live = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def tick(self, note=""):
        now = time.monotonic()
        if now - self.start < QUIET_SECONDS or (self.last is not None and now - self.last < (0.5 if self.live else REPEAT_SECONDS)):
            return
        self.last = now
        text = f"  … {self.label}: {now - self.start:.0f} s" + (f", {note}" if note else "")
        if self.live:
            sys.stdout.write(f"\r\x1b[2K{text[:150]}")
            sys.stdout.flush()
        else:
            say(text)

    def done(self):
        if self.live and self.last is not None:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()


def tail(path, lines=40):
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def last_line(path):
    """The last line of a log that is being written, for the progress note."""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - 400))
            parts = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((p.strip()[:100] for p in reversed(parts) if p.strip()), "")


def end_on_sigterm():
    """Makes SIGTERM end the tools as Ctrl-C does, so that their children end too."""
    def stop(number, frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, stop)


def _die_with_parent():
    """In a child: SIGTERM when the tool that started it is gone, however it went (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def run(label, command, log, *, how, cwd=None, env=None, note=None, echo=False):
    """Runs `command` with its output in the file `log`; shows progress. Raises StepError with the log's tail.

    `note()` gives the progress note (default: the log's last line). With `echo` the output is also shown when done.
    """
    log = Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(label)
    with open(log, "wb") as sink:
        try:
            child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, cwd=cwd, env=env,
                                     preexec_fn=_die_with_parent)
        except OSError as error:
            raise StepError(label, f"cannot start {command[0]}: {error.strerror}", how) from None
        try:
            while True:
                try:
                    code = child.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    progress.tick((note or (lambda: last_line(log)))())
        except BaseException:
            child.terminate()
            child.wait()
            raise
        finally:
            progress.done()
    if code != 0:
        say(tail(log))
        raise StepError(label, f"`{' '.join(str(c) for c in command)[:300]}` ended with {code}; whole log: {log}", how)
    if echo:
        say(log.read_text(errors="replace").rstrip())
    return time.monotonic() - progress.start
