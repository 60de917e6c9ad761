#!/usr/bin/env python3
"""Runs the commands and checks the configurations that the documentation quotes. `run_docs.py [PART OF A PLACE …]` takes some of them.

Standard library only; the Python blocks of pages need the package `openai`. Prints `N passed, N failed` at the end.
"""
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import blocks as md  # noqa: E402
import commands  # noqa: E402
import facts  # noqa: E402
import running  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
KNOWN_WORDS = {"run", "instance", "exit", "check", "refused", "part"}


def raise_if(problems):
    if problems:
        raise running.Failure("\n".join(problems))


def check_words(block):
    """A misspelt word must not turn a test off; a configuration that nobody checks must say so."""
    unknown = set(block.words) - KNOWN_WORDS
    raise_if([f"unknown words in the info string: {', '.join(sorted(unknown))}"] if unknown else [])
    if block.language == "yaml" and not set(block.words) & {"check", "refused", "part"}:
        raise running.Failure("a yaml block says `check`, `check=NAME`, `refused` or `part`")


def case_of(block, place, programs, targets, groups):
    """What is tested about one block, as a list of functions."""
    todo = [lambda: check_words(block)]
    if block.language in ("sh", "console"):
        todo.append(lambda: raise_if(commands.problems(block, programs, targets)))
    if block.language in ("json", "jsonl"):
        todo.append(lambda: running.check_json(block))
    if block.language == "yaml" and block.asks("refused"):
        todo.append(lambda: running.check_configuration([block], place, refused=block.words["refused"] or "a word behind `refused=`"))
    elif block.language == "yaml" and block.asks("check"):
        group = groups[block.page, block.words["check"]] if block.words["check"] else [block]
        if group[-1] is block:
            todo.append(lambda: running.check_configuration(group, place))
    if block.asks("run"):
        todo.append({"sh": lambda: running.shell(block.text, place, block), "console": lambda: running.run_console(block, place),
                     "python": lambda: running.run_program(block, place), "js": lambda: running.run_program(block, place)}[block.language])
    return todo


def cases(root=ROOT):
    """(name, function) of everything that is tested, and the place that they share."""
    programs_folder = running.find_programs(root)
    place = running.Place(root, programs_folder)
    programs = commands.Programs(root, programs_folder)
    targets = set(re.findall(r"^([\w-]+(?: [\w-]+)*):", (root / "Makefile").read_text(), re.M))
    targets = {name for line in targets for name in line.split()} - {"PHONY"}
    found = [
        ("reference: errors", lambda: raise_if(facts.errors(root))),
        ("reference: metrics", lambda: raise_if(facts.metrics(root))),
        ("reference: access log", lambda: raise_if(facts.access_log(root) + facts.outcomes(root))),
        ("reference: command line", lambda: raise_if(facts.commands(root, programs))),
        ("paths that pages name", lambda: raise_if(facts.files_named(root))),
    ]
    blocks = md.all_blocks(root)
    groups = {}
    for block in blocks:
        if block.language == "yaml" and block.words.get("check"):
            groups.setdefault((block.page, block.words["check"]), []).append(block)
    for block in blocks:
        steps = case_of(block, place, programs, targets, groups)
        found.append((block.place + (" (instance)" if block.asks("instance") else ""), lambda steps=steps: [step() for step in steps]))
    # What needs an instance comes last: what fails fastest comes first.
    return sorted(found, key=lambda case: case[0].endswith("(instance)")), place


def main(wanted):
    found, place = cases()
    passed = failed = 0
    try:
        for name, test in found:
            if wanted and not any(part in name for part in wanted):
                continue
            try:
                test()
                passed += 1
            except (running.Failure, ValueError) as failure:
                failed += 1
                print(f"FAILED {name}\n  " + str(failure).replace("\n", "\n  "))
    finally:
        place.end()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
