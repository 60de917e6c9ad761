"""The stages of `make test` and `make lint`, in order; the first that fails ends the run."""
import os
import re
import shutil
import subprocess
import sys
import time

from dev import build, clients, console, fuzzing, skips
from dev.cache import Cache
from dev.console import say

FUZZ_SMOKE_SECONDS = 30
HOW = "mend it; `tools/wye-dev test --only {stage}` runs this stage alone"


def closing_line(log, pattern):
    """The runner's own last word, for example ctest's count."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line.strip() for line in reversed(lines) if re.search(pattern, line)), "(the runner printed no closing line)")


def tools(root):
    log = build.log(root, "tools")
    console.run("tests of the tools", [sys.executable, "-B", "-m", "unittest", "discover", "-v", "-s", root / "tools/tests", "-t", root / "tools"],
                log, cwd=root, how=HOW.format(stage="tools"))
    say(f"unittest: {closing_line(log, r'^Ran ')}, {closing_line(log, r'^OK')}")
    show_skips(skips.of_unittest(log.read_text(errors="replace")))


def ctest(root, preset):
    build.targets(root, preset, ["wye_tests"])
    log = build.log(root, f"ctest-{preset}")
    console.run(f"ctest ({preset})", ["ctest", "--test-dir", root / "build" / preset, "--output-on-failure", "--no-tests=error", "-j", "2"], log,
                env=build.test_environment(), how=HOW.format(stage=preset))
    say(f"ctest ({preset}): {closing_line(log, r'tests passed')}")
    # ctest shows the output of failed programs alone; what was skipped in the others stands in its log.
    show_skips(skips.of_ctest((root / "build" / preset / "Testing/Temporary/LastTest.log").read_text(errors="replace")))


def show_skips(found):
    for name, reason in found:
        say(f"  skipped: {name}: {reason}")


def asan(root):
    ctest(root, "asan")


def tsan(root):
    ctest(root, "tsan")


def release(root):
    build.programs(root, build.BENCH_PROGRAMS)
    allocations(root)


def allocations(root):
    """What requests and chunks allocate is counted in the build that ships: sanitizers allocate on their own."""
    build.targets(root, "release", ["wye_allocation_tests"])
    sources = sorted(root.glob("src/**/allocation_test.cpp"))
    for room in (source.parent.relative_to(root / "src") for source in sources):
        name = "wye_" + str(room).replace("/", "_") + "_allocation_test"
        log = build.log(root, name)
        console.run(name, [root / "build/release/src" / room / name, "--gtest_fail_if_no_test_linked"], log, cwd=root,
                    env=build.test_environment(), how=HOW.format(stage="release"))
        say(f"allocations of {room}: {closing_line(log, r'PASSED')}")
        for line in log.read_text(errors="replace").splitlines():
            if re.search(r" allocations a ", line):
                say(f"  {line}")
        found = skips.of_gtest(log.read_text(errors="replace"))
        if found:
            raise console.StepError(name, f"{found[0][0]} was skipped: {found[0][1]}", "here nothing may be skipped: mend the test")


def pytest(root, folder, stage, **variables):
    log = build.log(root, stage)
    python = clients.python_clients(Cache(), root)
    console.run(f"pytest {folder}", [python, "-B", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", root / folder], log, cwd=root,
                env=build.test_environment() | variables, how=HOW.format(stage=stage))
    say(f"pytest {folder}: {closing_line(log, r'(passed|failed|error|no tests ran)')}")
    show_skips(skips.of_pytest(log.read_text(errors="replace")))


def e2e(root):
    pytest(root, "tests/e2e", "e2e")


def soak(root):
    """The minute under load again, where a leak or a wrong access is seen; the stage e2e had it with the release build, for its memory."""
    build.targets(root, "asan", ["wye", "wye_bench_load", "wye_bench_stub"])
    pytest(root, "tests/e2e/soak", "soak", WYE_BUILD="build/asan")


def node(root):
    log = build.log(root, "node")
    tests = sorted((root / "tests/e2e/node").glob("*.test.mjs"))
    console.run("node --test tests/e2e/node", ["node", "--test", *tests], log, cwd=root / "tests/e2e/node", env=build.test_environment(),
                how=HOW.format(stage="node"))
    say(f"node: {closing_line(log, r'^(#|ℹ) pass ')}, {closing_line(log, r'^(#|ℹ) fail ')}")
    show_skips(skips.of_node(log.read_text(errors="replace")))


def fuzz(root):
    fuzzing.run(root, seconds_total=FUZZ_SMOKE_SECONDS)


def docs(root):
    pytest(root, "tests/docs", "docs")


# In order: what fails fastest first; what needs the programs after they are built. `needs`: a glob, without which the stage is skipped.
STAGES = [
    ("tools", tools, "tools/tests/test_*.py"),
    ("asan", asan, "src/**/*_test.cpp"),
    ("tsan", tsan, "src/foundation/base/*_test.cpp"),
    ("release", release, "src/*/**/main.cpp"),
    ("e2e", e2e, "tests/e2e/**/test_*.py"),
    ("soak", soak, "tests/e2e/soak/test_*.py"),
    ("node", node, "tests/e2e/node/*.test.mjs"),
    ("fuzz", fuzz, "src/**/*_fuzz.cpp"),
    ("docs", docs, "tests/docs/test_*.py"),
]
STAGE_NAMES = [name for name, _, _ in STAGES]


def run_all(root, only):
    begin, report = time.monotonic(), []
    build.ccache_log(root).unlink(missing_ok=True)
    for name, stage, needs in STAGES:
        if only and name not in only:
            continue
        if next(root.glob(needs), None) is None:
            say(f"── {name}: skipped, the tree has no {needs}")
            report.append(f"{name} skipped")
            continue
        say(f"── {name}")
        start = time.monotonic()
        stage(root)
        report.append(f"{name} {time.monotonic() - start:.0f} s")
    say(f"make test: all stages passed in {time.monotonic() - begin:.0f} s ({', '.join(report)})")
    if shutil.which("ccache"):
        say(f"ccache: {ccache_rate(root)}")
    return 0


def ccache_rate(root):
    """How much of this run's compilation came out of the compiler cache."""
    if not build.ccache_log(root).exists():
        return "nothing was compiled"
    text = subprocess.run(["ccache", "--show-log-stats"], capture_output=True, text=True,
                          env=dict(os.environ, CCACHE_STATSLOG=str(build.ccache_log(root)))).stdout
    found = re.search(r"Hits:\s+(\d+)\s*/\s*(\d+)", text)
    return f"{found[1]} of {found[2]} compilations were hits" if found else "no figures"


def lint(root):
    from lint import runner
    start = time.monotonic()
    log = build.log(root, "lint-tests")
    console.run("tests of the lint", [sys.executable, "-B", "-m", "unittest", "discover", "-s", root / "tools/tests", "-t", root / "tools", "-p",
                "test_lint*.py"], log, cwd=root, how="mend the rule or its test")
    say(f"lint's own tests: {closing_line(log, r'^Ran ')}, {closing_line(log, r'^OK')}")
    count = runner.run(root)
    say(f"make lint: {'no findings' if count == 0 else f'{count} findings'} in {time.monotonic() - start:.1f} s")
    return 1 if count else 0
