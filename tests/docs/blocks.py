"""Fenced blocks of Markdown pages and what their info string asks for.

The words behind the language say what a test does with a block (README.md beside this file lists them):
    ```sh run            ```console run instance            ```yaml check=team
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

FRONT = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
FENCE = re.compile(r"^(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$")


@dataclass
class Block:
    page: str
    line: int
    language: str
    words: dict
    text: str
    index: int = field(default=0)

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    def asks(self, word):
        return word in self.words


def parse_info(info):
    """`yaml check=team` → ("yaml", {"check": "team"})."""
    parts = info.split()
    language = parts[0] if parts else ""
    return language, {name: value for name, _, value in (part.partition("=") for part in parts[1:])}


def blocks_of(page, text):
    """All fenced blocks of a page, in order. An open fence at the end of the page is an error."""
    found, opened = [], None
    for number, line in enumerate(text.split("\n"), 1):
        match = FENCE.match(line)
        if opened is None and match:
            language, words = parse_info(match["info"])
            opened = (match["fence"], number, language, words, [])
        elif opened is not None and match and not match["info"].strip() and match["fence"].startswith(opened[0]):
            found.append(Block(page, opened[1], opened[2], opened[3], "\n".join(opened[4]) + "\n", len(found)))
            opened = None
        elif opened is not None:
            opened[4].append(line)
    if opened is not None:
        raise ValueError(f"{page}:{opened[1]}: the block has no end")
    return found


def pages(root):
    """The pages whose blocks are tested, by their path below the root."""
    root = Path(root)
    named = [root / name for name in (*FRONT, "deploy/samples/README.md", "bench/README.md")]
    listed = [p for p in named if p.exists()] + sorted((root / "docs").rglob("*.md")) + sorted((root / "src").rglob("README.md"))
    return {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in listed}


def all_blocks(root):
    return [block for page, text in pages(root).items() for block in blocks_of(page, text)]


def console_steps(text):
    """`$ command` lines (continued by a backslash) with the output that is expected after each."""
    steps = []
    lines = iter(text.rstrip("\n").split("\n"))
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).removeprefix("> ")
            steps.append((command, []))
        elif not steps:
            raise ValueError("a console block begins with `$ COMMAND`")
        else:
            steps[-1][1].append(line)
    return steps


def output_matches(expected, actual):
    """`…` within a line stands for any text, a line of `…` alone for any number of lines."""
    pattern = []
    for line in expected:
        if line.strip() == "…":
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n")
    if actual and not actual.endswith("\n"):
        actual += "\n"
    return re.fullmatch("".join(pattern), actual) is not None
