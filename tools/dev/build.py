"""Configures and builds a preset; one build a tree at a time."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from dev import console
from dev.console import say

HOW = "mend what the compiler names and run the same command again; only what changed is compiled"


@contextlib.contextmanager
def exclusive(root):
    """Holds the tree's build lock: two builds at once would fight for memory and for the build folder."""
    folder = root / "build"
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another build is at work in this tree; waiting for it to end …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def configure(root, preset):
    folder = root / "build" / preset
    stamp, presets = folder / ".presets", (root / "CMakePresets.json").read_text()
    if (folder / "build.ninja").exists() and stamp.exists() and stamp.read_text() == presets:
        return folder
    console.run(
        f"configuring {preset}",
        ["cmake", "--preset", preset],
        log(root, f"configure-{preset}"),
        cwd=root,
        how="if a package is missing run `make setup`; else mend what CMake names",
    )
    stamp.write_text(presets)
    return folder


def log(root, name):
    return root / "build" / "logs" / f"{name}.log"


def ccache_log(root):
    """Where ccache writes what it did for this tree's builds, apart from everybody else's."""
    return root / "build/logs/ccache.stats"


def targets(root, preset, names):
    """Builds the targets; returns the seconds it took."""
    with exclusive(root):
        folder = configure(root, preset)
        return console.run(
            f"building {preset}: {' '.join(names)}",
            ["ninja", "-C", folder, *names],
            log(root, f"build-{preset}"),
            how=HOW,
            env=dict(os.environ, CCACHE_STATSLOG=str(ccache_log(root))),
        )


PROGRAMS = ["wye", "wye-azure-simulator"]
# What tests and benchmarks put beside them: a load generator, a stub upstream, an allocation counter.
BENCH_PROGRAMS = ["wye_bench_load", "wye_bench_stub", "wye_bench_malloc_count"]


def programs(root, more=()):
    """build/release/wye and its simulator, and more of the same build."""
    wanted = [*PROGRAMS, *more]
    seconds = targets(root, "release", wanted)
    say(f"Built {' '.join('build/release/' + name for name in wanted)} ({seconds:.1f} s)")


def test_environment():
    """What test programs run with: sanitizer reports carry names; nothing waits for input."""
    symbolizer = shutil.which("llvm-symbolizer-19") or ""
    env = dict(os.environ, CI="true")
    for name, options in (("ASAN_OPTIONS", "detect_leaks=1"), ("UBSAN_OPTIONS", "print_stacktrace=1"), ("TSAN_OPTIONS", "halt_on_error=1")):
        env.setdefault(name, f"{options}:external_symbolizer_path={symbolizer}" if symbolizer else options)
    return env
