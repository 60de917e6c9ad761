"""The command line of tools/wye-dev."""
import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from dev import apt, artefacts, build, clients, console, formatting, fuzzing, locks, suites
from dev.cache import Cache
from dev.console import StepError, say

ROOT = Path(__file__).resolve().parent.parent.parent


def set_up(groups=("build", "test"), packages_only=False):
    """Packages, artefacts, test clients: whatever is missing."""
    start = time.monotonic()
    cache = Cache()
    with cache.locked():
        changed = apt.ensure(cache, groups)
        if not packages_only:
            clients.check_versions()
            changed = bool(artefacts.ensure_all(cache)) or changed
            clients.python_clients(cache, ROOT)
            clients.node_clients(cache, ROOT)
    if changed or not packages_only:
        say(f"Set-up complete: {cache.root} ({time.monotonic() - start:.1f} s)")


def command_setup(args):
    set_up(("build", "test", "bench") if args.bench else ("build", "test"))


def command_build(args):
    set_up()
    build.programs(ROOT)


def command_up(args):
    command_build(args)
    wye = ROOT / "build/release/wye"
    if not wye.exists():
        raise StepError("make up", "this tree has no src/app yet, so there is no program `wye`", "build rooms and tests with `make test`")
    os.execv(wye, [str(wye), "up", *args.arguments])


def command_test(args):
    set_up()
    return suites.run_all(ROOT, args.only)


def command_lint(args):
    set_up(("build",), packages_only=True)
    return suites.lint(ROOT)


def command_reference(args):
    """The pages of docs/reference that programs write out of the sources."""
    set_up(("build",), packages_only=True)
    build.targets(ROOT, "release", ["wye-reference"])
    page = ROOT / "docs/reference/resources.md"
    made = subprocess.run([ROOT / "build/release/wye-reference"], stdin=subprocess.DEVNULL, capture_output=True)
    if made.returncode != 0:
        raise StepError("reference", f"build/release/wye-reference ended with {made.returncode}", "mend src/config/kinds")
    changed = not page.exists() or page.read_bytes() != made.stdout
    page.write_bytes(made.stdout)
    say(f"{page.relative_to(ROOT)}: {'written' if changed else 'as it was'}")


def command_bench(args):
    set_up(("build", "test", "bench"))
    build.programs(ROOT)
    runner = ROOT / "bench/run"
    if not runner.exists():
        raise StepError("make bench", "bench/run does not exist", "this tree has no benchmark yet")
    os.execv(runner, [str(runner), *args.arguments])


def command_fuzz(args):
    set_up()
    return fuzzing.run(ROOT, seconds_each=args.seconds, only=args.only)


def command_format(args):
    set_up(("build",), packages_only=True)
    return formatting.check(ROOT) if args.check else formatting.rewrite(ROOT)


def command_tidy(args):
    set_up()
    return formatting.tidy(ROOT, args.budget)


def command_lock(args):
    cache = Cache()
    with cache.locked():
        for stem in ("convert", "clients"):
            locks.write_lock(cache, stem)
        cache.drop_work("python")


def parser():
    top = argparse.ArgumentParser(prog="tools/wye-dev", description="Chores of the Wye tree.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, run, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    add("setup", command_setup, "install packages, fetch and make artefacts, install test clients").add_argument(
        "--bench", action="store_true", help="also what only `make bench` needs")
    add("build", command_build, "set-up, then build/release/wye and build/release/wye-azure-simulator")
    add("up", command_up, "build, then `wye up` in the foreground").add_argument("arguments", nargs="*", help="for `wye up`, after --")
    add("test", command_test, "set-up, then every test stage").add_argument(
        "--only", action="append", default=[], metavar="STAGE", choices=suites.STAGE_NAMES, help=f"one of {' '.join(suites.STAGE_NAMES)}; repeatable")
    add("reference", command_reference, "write the generated pages of docs/reference anew")
    add("lint", command_lint, "the rules of the tree and their own tests")
    add("bench", command_bench, "build, then bench/run").add_argument("arguments", nargs="*", help="for bench/run, after --")
    fuzz = add("fuzz", command_fuzz, "run every fuzzer for a while")
    fuzz.add_argument("--seconds", type=int, default=60, help="for each fuzzer (60)")
    fuzz.add_argument("--only", help="part of a fuzzer's name")
    add("format", command_format, "rewrite the sources with clang-format").add_argument(
        "--check", action="store_true", help="count the files that would change, change none")
    add("tidy", command_tidy, "clang-tidy over files that are not yet known clean").add_argument(
        "--budget", type=int, default=0, metavar="SECONDS", help="start no file after this time (0: no bound)")
    add("lock", command_lock, "resolve tools/setup/*.in into hashed *.lock files (needs the network)")
    return top


def main(arguments):
    console.end_on_sigterm()
    args = parser().parse_args(arguments)
    try:
        return args.run(args) or 0
    except StepError as error:
        error.show()
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again, it goes on from here", file=sys.stderr)
        return 130
