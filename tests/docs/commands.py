"""Whether the commands that pages quote exist: programs, subcommands and flags, asked of the programs themselves."""
import re
import shlex
import subprocess
import sys

OURS = ("wye", "build/release/wye", "wye-azure-simulator", "build/release/wye-azure-simulator", "make", "tools/wye-dev", "bench/run")


class Programs:
    """Help texts, asked once."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.known = {}

    def help_of(self, *arguments):
        if arguments not in self.known:
            done = subprocess.run([*map(str, arguments), "--help"], capture_output=True, text=True, cwd=self.root, timeout=60)
            self.known[arguments] = done.stdout if done.returncode == 0 else ""
        return self.known[arguments]

    def wye(self, *words):
        return self.help_of(self.folder / "wye", *words)

    def subcommands(self, *words):
        text = self.wye(*words)
        if "Subcommands:" not in text:
            return set()
        return set(re.findall(r"^  ([a-z][\w-]*)", text.split("Subcommands:", 1)[1], re.M))

    def simulator(self):
        return self.help_of(self.folder / "wye-azure-simulator")


def flags_in(text):
    return set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", text)) | {"--help", "-h"}


def split_words(line):
    """The words of a command line up to the first operator; none where it is no plain command."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = list(lexer)
    except ValueError:
        return []
    for i, word in enumerate(words):
        if word and set(word) <= set("|&;<>()"):
            return words[:i]
    return words


def problems_of_words(words, programs, make_targets):
    """What is wrong with one quoted command of ours; nothing for programs of others."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words or words[0] not in OURS:
        return []
    program, rest = words[0].rsplit("/", 1)[-1], words[1:]
    if program == "make":
        return [f"make has no target {w}" for w in rest if not w.startswith("-") and "=" not in w and w not in make_targets]
    if program == "wye":
        return wye_problems(rest, programs)
    if program == "wye-azure-simulator":
        known = flags_in(programs.simulator())
        return [f"wye-azure-simulator has no {w.split('=')[0]}" for w in rest if w.startswith("-") and w.split("=")[0] not in known]
    if program == "wye-dev":
        help_text = programs.help_of(sys.executable, programs.root / "tools/wye-dev", *[w for w in rest[:1] if not w.startswith("-")])
        return [f"tools/wye-dev {rest[0] if rest else ''}: no such command"] if rest and not help_text else []
    return []


def wye_problems(rest, programs):
    path = []
    while rest and not rest[0].startswith("-") and rest[0] in programs.subcommands(*path):
        path.append(rest[0])
        rest = rest[1:]
    if rest and not rest[0].startswith("-") and programs.subcommands(*path):
        return [f"wye {' '.join([*path, rest[0]])}: no such command"]
    known = flags_in(programs.wye(*path))
    return [f"wye {' '.join(path)}: no flag {w.split('=')[0]}" for w in rest if re.match(r"--?[a-z]", w) and w.split("=")[0] not in known]


def problems(block, programs, make_targets):
    """Of every line of a shell block that names a program of ours."""
    found = []
    text = re.sub(r"\\\n>? *", " ", block.text)
    for line in text.split("\n"):
        if block.language == "console" and not line.startswith("$ "):
            continue
        line = line.removeprefix("$ ")
        for part in [line, *re.findall(r"\$\(([^()]*)\)", line)]:
            found += [f"{block.place}: {p}" for p in problems_of_words(split_words(part), programs, make_targets)]
    return found
