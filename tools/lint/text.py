"""What holds for every file: no machine paths, no registry hosts, no open ends, plain whitespace, valid syntax."""
import json
import re
import subprocess
import tomllib

from lint.tree import SOURCE_ENDINGS, Finding

LINE_COLUMNS_MAX = 150
# The words are put together here so that the rules do not fire on their own file.
OPEN_ENDS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
MACHINE = re.compile(r"(?<![\w./$}~-])/(?:wo" + r"rk|ro" + r"ot|t" + r"mp|ho" + r"me/\w+|Us" + r"ers/\w+)(?:/|\b)")
HOSTS = re.compile(r"registry\.np" + r"mjs\.org|(?:files\.)?pyth" + r"onhosted\.org|py" + r"pi\.org|proxy\.gol" + r"ang\.org|deb\.deb"
                   + r"ian\.org|registry\.yar" + r"npkg\.com|index\.cra" + r"tes\.io|artif" + r"actory", re.I)
LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "poetry.lock", "uv.lock", ".npmrc")
LOCK_ADDRESS = re.compile(r'"resolved"\s*:|--(?:extra-)?index-url|--find-links|^\s*(?:@[\w-]+:)?registry\s*=|'
                          r'https?://(?!opencollective|github\.com)', re.M)
REFUSED_PACKAGES = re.compile(r"(?<![\w-])lite" + r"llm(?![\w-])", re.I)


def is_lock(name):
    base = name.rsplit("/", 1)[-1]
    return base in LOCK_FILES or base.endswith((".lock", "requirements.txt"))


def texts(tree):
    return [n for n in tree.names if tree.is_text(n)]


def matches(tree, pattern, names=None):
    for name in texts(tree) if names is None else names:
        for number, line in enumerate(tree.lines(name), 1):
            for match in pattern.finditer(line):
                yield name, number, match.group()


def open_ends(tree):
    for name, line, found in matches(tree, OPEN_ENDS):
        yield Finding(name, line, "open-end", f"{found}: finish it, or say in the issue what is left")


def machine_paths(tree):
    for name, line, found in matches(tree, MACHINE):
        yield Finding(name, line, "machine-path", f"{found}: a path of one machine; take it from an argument, the environment or the "
                      "temporary folder")


def registry_hosts(tree):
    for name, line, found in matches(tree, HOSTS):
        yield Finding(name, line, "registry-host", f"{found}: name the package and its client, never the host")


def lock_files(tree):
    for name in texts(tree):
        if not is_lock(name):
            continue
        for match in LOCK_ADDRESS.finditer(tree.text(name)):
            line = tree.text(name).count("\n", 0, match.start()) + 1
            yield Finding(name, line, "lock-address", f"{match.group().strip()}: a lock holds versions and digests, no address "
                          "(npm: omit-lockfile-registry-resolved)")
        for match in REFUSED_PACKAGES.finditer(tree.text(name)):
            yield Finding(name, tree.text(name).count("\n", 0, match.start()) + 1, "lock-address", f"{match.group()} is never installed")


def wide_lines(tree):
    for name in texts(tree):
        if not name.endswith((*SOURCE_ENDINGS, ".py", ".cmake", ".mjs", ".sh")) and not name.endswith("CMakeLists.txt"):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield Finding(name, number, "line-width", f"{len(line)} columns, at most {LINE_COLUMNS_MAX}")


def whitespace(tree):
    for name in texts(tree):
        data = tree.bytes(name)
        if data and not data.endswith(b"\n"):
            yield Finding(name, data.count(b"\n") + 1, "whitespace", "the file does not end in a newline")
        fixture = re.search(r"(^|/)(testdata|golden|fixtures|\w+_corpus)/", name)
        if fixture:
            continue
        if b"\r\n" in data:
            yield Finding(name, 1, "whitespace", "CRLF line ends: use LF")
        if name.endswith((*SOURCE_ENDINGS, ".py", ".cmake", ".mjs", ".json", ".yaml", ".yml", ".toml")):
            for number, line in enumerate(tree.lines(name), 1):
                if "\t" in line:
                    yield Finding(name, number, "whitespace", "tab: indent with spaces, write \\t in literals")
                elif line != line.rstrip():
                    yield Finding(name, number, "whitespace", "blanks at the end of the line")


def header_guards(tree):
    for name in tree.sources():
        if name.endswith((".hpp", ".h")) and "#pragma once" not in tree.text(name):
            yield Finding(name, 1, "header-guard", "no #pragma once")


def syntax(tree):
    for name in texts(tree):
        text = tree.text(name)
        first = text.split("\n", 1)[0]
        problem = None
        if name.endswith(".py") or first.startswith("#!/usr/bin/env python3"):
            problem = _python(text, name)
        elif name.endswith(".sh") or re.match(r"#!\s*(/usr/bin/env )?(/bin/)?(ba)?sh\b", first):
            done = subprocess.run(["bash" if "bash" in first else "sh", "-n"], input=text, capture_output=True, text=True)
            problem = done.stderr.strip()[:200] if done.returncode else None
        elif name.endswith(".json"):
            problem = _parse(json.loads, text)
        elif name.endswith(".toml"):
            problem = _parse(tomllib.loads, text)
        if problem:
            yield Finding(name, 1, "syntax", problem)


def _python(text, name):
    try:
        compile(text, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    return None


def _parse(parse, text):
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


RULES = {
    "open-end": open_ends, "machine-path": machine_paths, "registry-host": registry_hosts, "lock-address": lock_files, "line-width": wide_lines,
    "whitespace": whitespace, "header-guard": header_guards, "syntax": syntax,
}
