"""Files and functions stay small. tools/lint/ratchet.toml lists old offenders by name; none may join, and one that is cured must leave."""
import ast
import re
import tomllib

from lint.tree import SOURCE_ENDINGS, Finding, line_of

FILE_LINES_MAX = 800
FILE_LINES_AIM = 400
FUNCTION_LINES_MAX = 70
RATCHET = "tools/lint/ratchet.toml"
SCOPE = re.compile(r"(^|[\s;{}>])(namespace|class|struct|union|enum|extern)\b")
CONTROL = re.compile(r"^\s*(if|for|while|switch|do|else|try|catch|return)\b")


def ratchet(tree, kind):
    return set(tomllib.loads(tree.text(RATCHET)).get(kind, [])) if RATCHET in tree.names else set()


def is_source(name):
    return name.endswith((*SOURCE_ENDINGS, ".py", ".mjs", ".cmake", ".sh")) or name in ("bench/run", "tools/wye-dev")


def file_sizes(tree):
    old, seen = ratchet(tree, "files"), set()
    for name in tree.names:
        if is_source(name) and (count := len(tree.lines(name))) > FILE_LINES_MAX:
            seen.add(name)
            if name not in old:
                yield Finding(name, FILE_LINES_MAX + 1, "file-size", f"{count} lines, at most {FILE_LINES_MAX} (aim {FILE_LINES_AIM}): "
                              "split by what changes together")
    for name in sorted(old - seen):
        yield Finding(RATCHET, 1, "file-size", f"{name} is no longer too long: remove it from the list")


def over_aim(tree):
    return [n for n in tree.names if is_source(n) and FILE_LINES_AIM < len(tree.lines(n)) <= FILE_LINES_MAX]


def cpp_functions(code):
    """`(first line, last line, signature)` of each function at namespace or class scope, found by counting braces."""
    stack, header_start, pending, found = [], 0, None, []
    for match in re.finditer(r"[{};]|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", code, re.M):
        token, at = match.group(), match.start()
        if token.lstrip().startswith("#"):
            header_start = match.end() if all(kind == "scope" for kind, _, _ in stack) and not code[header_start:at].strip() else header_start
            continue
        outside = all(kind == "scope" for kind, _, _ in stack)
        if token == "{":
            header = code[header_start:at]
            if not outside:
                stack.append(("inner", at, None))
            elif pending and re.match(r"\s*(,|$)", header):  # after a member's initialiser: the next one, or the body
                stack.append(("function", at, pending))
                pending = None
            elif "(" in _without_attributes(header) and not header.rstrip().endswith("=") and not SCOPE_ONLY(header):
                stack.append(("function", at, (header_start + len(header) - len(header.lstrip()), header)))
            elif SCOPE.search(header) or header.strip() == "":
                stack.append(("scope", at, None))
                header_start = match.end()
            else:
                stack.append(("inner", at, None))
        elif token == "}" and stack:
            kind, _, start = stack.pop()
            if kind == "function":
                rest = code[match.end():match.end() + 200].lstrip()
                if rest[:1] in (",", "{") and re.search(r"\)[^()]*:[^:]|\)\s*:|:\s*\w", start[1]):
                    pending = start
                else:
                    found.append((line_of(code, start[0]), line_of(code, match.end() - 1), " ".join(start[1].split())))
            if all(kind == "scope" for kind, _, _ in stack):
                header_start = match.end()
        elif token == ";" and outside:
            header_start = match.end()
            pending = None
    return found


def SCOPE_ONLY(header):
    """Whether the braces open a namespace or type, though the header holds a parenthesis (alignas, attributes, base templates)."""
    cleaned = _without_attributes(header)
    match = SCOPE.search(cleaned)
    return bool(match) and "(" not in cleaned[match.start():] and not CONTROL.match(cleaned)


def _without_attributes(header):
    return re.sub(r"\[\[.*?\]\]|alignas\s*\([^()]*\)|__attribute__\s*\(\(.*?\)\)|requires\s*\([^{}]*?\)(?=\s*(class|struct))", " ", header,
                  flags=re.S)


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno, node.name


def name_of(signature):
    before = re.sub(r"^(template\s*<[^()]*>\s*)?(requires\s*\(.*?\)\s+)?", "", signature).split("(", 1)[0].split()
    return before[-1].lstrip("*&") if before else "?"


def function_sizes(tree):
    old, seen = ratchet(tree, "functions"), set()
    for name in tree.names:
        try:
            if name.endswith(SOURCE_ENDINGS):
                functions = [(a, b, name_of(s)) for a, b, s in cpp_functions(tree.code(name))]
            elif name.endswith(".py") or (is_source(name) and tree.text(name).startswith("#!/usr/bin/env python3")):
                functions = list(python_functions(tree.text(name)))
            else:
                continue
        except SyntaxError:
            continue  # the rule `syntax` names it
        for first, last, function in functions:
            if last - first + 1 > FUNCTION_LINES_MAX:
                seen.add(f"{name}:{function}")
                if f"{name}:{function}" not in old:
                    yield Finding(name, first, "function-size", f"{function} has {last - first + 1} lines, at most {FUNCTION_LINES_MAX}: name a part "
                                  "of it")
    for entry in sorted(old - seen):
        yield Finding(RATCHET, 1, "function-size", f"{entry} is no longer too long: remove it from the list")


RULES = {"file-size": file_sizes, "function-size": function_sizes}
