"""Runs the libFuzzer programs of build/fuzz, each with its own growing corpus below build/fuzz/corpus."""
import os
from pathlib import Path

from dev import build, console
from dev.console import StepError, say


def found(root):
    """The fuzzers that were built, by name."""
    folder = root / "build/fuzz/src"
    return sorted((p for p in folder.rglob("wye_*_fuzz") if p.is_file() and os.access(p, os.X_OK)), key=lambda p: p.name)


def seeds(root, fuzzer):
    """Seed inputs beside the fuzzer's source: src/<room>/<name>_corpus/, for <name>_fuzz.cpp."""
    room = root / "src" / fuzzer.parent.relative_to(root / "build/fuzz/src")
    return [p for p in sorted(room.glob("*_corpus")) if p.is_dir() and fuzzer.name.endswith(f"_{p.name.removesuffix('_corpus')}_fuzz")]


def run(root, seconds_total=0, seconds_each=0, only=None):
    build.targets(root, "fuzz", ["wye_fuzzers"])
    fuzzers = [f for f in found(root) if not only or only in f.name]
    if not fuzzers:
        raise StepError("fuzzing", f"no fuzzer{f' named like {only}' if only else ''} was built", "name one of build/fuzz/src/**/wye_*_fuzz")
    seconds = seconds_each or max(1, seconds_total // len(fuzzers))
    for fuzzer in fuzzers:
        corpus, crashes = root / "build/fuzz/corpus" / fuzzer.name, root / "build/fuzz/crashes" / fuzzer.name
        for folder in (corpus, crashes):
            folder.mkdir(parents=True, exist_ok=True)
        log = build.log(root, fuzzer.name)
        console.run(f"{fuzzer.name} for {seconds} s", [fuzzer, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
                    "-print_final_stats=1", f"-artifact_prefix={crashes}/", corpus, *seeds(root, fuzzer)], log, env=build.test_environment(),
                    how=f"the input is in {crashes}; run the fuzzer on that file, mend, and make it a test case")
        say(f"{fuzzer.name}: {runs_of(log)} runs in {seconds} s, no finding")
    return 0


def runs_of(log):
    for line in Path(log).read_text(errors="replace").splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return line.split()[-1]
    return "?"
