"""Names that say nothing, as the whole idea of a type, file or function; each ban says what to do instead."""
import re

from lint.tree import Finding, line_of

TYPE = re.compile(r"\b(?:class|struct|enum class|enum|using|concept)\s+(?:\[\[[^\]]*\]\]\s*)?([A-Z]\w*)")
# As the last word of a type these make up its whole idea; the second set does so only where nothing else is said.
ENDINGS = ("Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Misc")
WHOLE = {"Common", "Data", "Info", "Process", "Handle"}
FILE_WORDS = {"manager", "helper", "helpers", "util", "utils", "misc", "common"}
WHOLE_FILES = {"data", "info", "process", "handle", "stuff"}
FUNCTION = re.compile(r"^[ \t]*(?:[\w:<>,&*\[\] ]+[ &*>:])?(process|handle|doit|do_it|do_stuff)\s*\([^;{}]*\)[^;{}=]*[;{]", re.M)
STATEMENT = re.compile(r"\b(return|co_return|co_await|co_yield|throw|new|delete|case|else)\b|=|\.|->")
INSTEAD = "say what it is or does (style: verbs tell cost, types tell role)"


def type_names(tree):
    for name in tree.sources("src/", "bench/", "tests/"):
        code = re.sub(r"^.*\bcoroutine_handle\b.*$", "", tree.code(name), flags=re.M)  # the language's own term
        for match in TYPE.finditer(code):
            if match[1] in WHOLE or match[1].endswith(ENDINGS):
                yield Finding(name, line_of(code, match.start(1)), "name", f"type {match[1]}: {INSTEAD}")
        for match in FUNCTION.finditer(code):
            if not STATEMENT.search(match.group().split("(", 1)[0]) and match.group().split("(", 1)[0].split() != [match[1]]:
                yield Finding(name, line_of(code, match.start(1)), "name", f"function {match[1]}: {INSTEAD}")


def file_names(tree):
    for name in tree.names:
        if not name.startswith(("src/", "bench/", "tests/", "tools/")) or not name.endswith((".cpp", ".hpp", ".py", ".mjs", ".c", ".h", ".sh")):
            continue
        stem = name.rsplit("/", 1)[-1].split(".")[0].removesuffix("_test")
        if stem in WHOLE_FILES or FILE_WORDS & set(stem.split("_")):
            yield Finding(name, 1, "file-name", f"{stem}: {INSTEAD}")
        elif name.startswith(("src/", "bench/")) and not re.fullmatch(r"[a-z0-9_]+", stem):
            yield Finding(name, 1, "file-name", f"{stem}: files are snake_case")


RULES = {"name": type_names, "file-name": file_names}
