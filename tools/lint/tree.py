"""What rules look at: the files of the tree, read once, and C++ text without its comments and literals."""
import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SOURCE_ENDINGS = (".cpp", ".hpp", ".c", ".h")


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree:
    """Files by their path from the root. `of` makes one from a dictionary, for tests."""

    def __init__(self, root, names, texts=None):
        self.root, self.names, self._texts = root, sorted(names), dict(texts or {})
        self._folders = {str(parent) for name in self.names for parent in PurePosixPath(name).parents}

    @classmethod
    def load(cls, root):
        """Tracked files and new ones that are not ignored."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True,
                                check=True).stdout
        return cls(Path(root), {n for n in listed.decode().split("\0") if n and (Path(root) / n).is_file() and not (Path(root) / n).is_symlink()})

    @classmethod
    def of(cls, texts):
        return cls(None, texts.keys(), texts)

    def bytes(self, name):
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_bytes()
        text = self._texts[name]
        return text.encode() if isinstance(text, str) else text

    def is_text(self, name):
        return b"\0" not in self.bytes(name)[:8192]

    @functools.cache
    def text(self, name):
        return self.bytes(name).decode(errors="replace")

    def lines(self, name):
        return self.text(name).splitlines()

    @functools.cache
    def code(self, name):
        return code_only(self.text(name))

    def has(self, name):
        return name in self._name_set or name in self._folders

    @functools.cached_property
    def _name_set(self):
        return set(self.names)

    def below(self, prefix="", endings=()):
        return [n for n in self.names if n.startswith(prefix) and (not endings or n.endswith(tuple(endings)))]

    def sources(self, *prefixes):
        return [n for n in self.names if n.endswith(SOURCE_ENDINGS) and n.startswith(prefixes or ("src/", "bench/"))]


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"[^"\n]*"', re.M)


def code_only(text):
    """The text with comments and the insides of literals blanked; every line keeps its number. Include lines stay as they are."""
    kept = {m.start(): m.end() for m in INCLUDE.finditer(text)}

    def blank(match):
        if any(start <= match.start() < end for start, end in _near(kept, match.start())):
            return match.group()
        token = match.group()
        hollow = re.sub(r"[^\n]", " ", token)
        if token[0] in "\"'R":
            return "\"" + hollow[1:-1] + "\"" if len(token) > 1 else hollow
        return hollow

    return TOKEN.sub(blank, text)


def _near(kept, position):
    return [(s, e) for s, e in kept.items() if s <= position < e]


def line_of(text, position):
    return text.count("\n", 0, position) + 1
