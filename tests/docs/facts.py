"""Reference pages that are written by hand, compared with the sources that they speak about."""

import re
from pathlib import Path

from blocks import FRONT


def text_of(root, name):
    return (Path(root) / name).read_text(encoding="utf-8")


def table_rows(text, heading=None):
    """The cells of every table row of a page, code marks taken off; below one heading where it is named."""
    if heading:
        text = f"\n{text}".split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.split("\n") if line.startswith("|")]
    return [[cell.replace("`", "") for cell in row] for row in rows if not set("".join(row)) <= set("-: ")]


def differences(what, page, source):
    """Both ways, as sentences."""
    return [f"{what}: {item} is in the sources and not on the page" for item in sorted(source - page)] + [
        f"{what}: {item} is on the page and not in the sources" for item in sorted(page - source)
    ]


def error_rows_of_source(text):
    constants = dict(re.findall(r'string_view (k\w+) = "([^"]*)"', text))
    rows = set()
    for status, kind, code, retry in re.findall(r'ErrorRow\{ErrorCode::\w+, (\d+), ("[^"]*"|k\w+), "([^"]*)", (true|false)\}', text):
        rows.add((status, constants[kind] if kind in constants else kind.strip('"'), code or "null", "yes" if retry == "true" else "no"))
    return rows


def errors(root):
    source = error_rows_of_source(text_of(root, "src/foundation/base/error.cpp"))
    page = {tuple(row[:4]) for row in table_rows(text_of(root, "docs/reference/errors.md"), "Every row") if row[0].isdigit()}
    return differences("docs/reference/errors.md", page, source)


def metrics_of_source(root):
    """Names of families, wherever a program's sources register one."""
    names = set()
    for path in sorted((Path(root) / "src").rglob("*.cpp")):
        if not path.name.endswith("_test.cpp"):
            names |= set(
                re.findall(
                    r'(?:family\([\w:]+,\s*|read_at_scrape\(MetricKind::\w+,\s*)"((?:wye|gen_ai|process)_[a-z_]+)"', path.read_text(encoding="utf-8")
                )
            )
    return names


def metrics(root):
    page = {row[0].split("{")[0] for row in table_rows(text_of(root, "docs/reference/metrics.md")) if re.match(r"(wye|gen_ai|process)_", row[0])}
    return differences("docs/reference/metrics.md", page, metrics_of_source(root))


def access_log(root):
    source = text_of(root, "src/edge/gateway/settle.cpp")
    names = set(re.findall(r'\.(?:text|token|number|boolean|time)\("([a-z_]+)"', source))
    page = {name for row in table_rows(text_of(root, "docs/reference/access-log.md"), "Fields") for name in row[0].split() if name != "field"}
    return differences("docs/reference/access-log.md", page, names)


def outcomes(root):
    source = set(re.findall(r'"([a-z_]+)"', re.search(r"to_string\(End end\).*?\};", text_of(root, "src/edge/gateway/settle.cpp"), re.S)[0]))
    page = {row[0] for row in table_rows(text_of(root, "docs/reference/access-log.md"), "Outcomes") if row[0] != "outcome"}
    return differences("docs/reference/access-log.md, outcomes", page, source)


def files_named(root):
    """A path in code marks that begins with a folder of this tree leads to a file; `*` and `<...>` make it a pattern."""
    found = []
    for page in [Path(root) / n for n in FRONT] + sorted((Path(root) / "docs").rglob("*.md")):
        for name in re.findall(r"`((?:src|tests|tools|bench|deploy|docs|cmake)/[\w./*{},-]+)`", page.read_text(encoding="utf-8")):
            pattern = re.sub(r"\{[^}]*\}", "*", name.rstrip("/"))
            if not list(Path(root).glob(pattern)):
                found.append(f"{page.relative_to(root)}: {name} does not exist")
    return found


def commands(root, programs):
    """docs/reference/cli.md names every subcommand and every flag that the program itself names."""
    text = text_of(root, "docs/reference/cli.md")
    missing = []
    for command in sorted(programs.subcommands()):
        for path in [[command], *([command, sub] for sub in sorted(programs.subcommands(command)))]:
            section = re.search(rf"^### wye {' '.join(path)}\b.*?(?=^##|\Z)", text, re.M | re.S)
            if section is None and not programs.subcommands(*path):
                missing.append(f"docs/reference/cli.md: `wye {' '.join(path)}` has no section")
            elif section is not None:
                flags = set(re.findall(r"(--[a-z][\w-]*)", programs.wye(*path))) - {"--help"}
                missing += [f"docs/reference/cli.md: wye {' '.join(path)} lacks {flag}" for flag in sorted(flags) if flag not in section[0]]
    simulator = set(re.findall(r"^  (--[a-z][\w-]*)", programs.simulator(), re.M))
    section = re.search(r"^## wye-azure-simulator.*?(?=^## |\Z)", text, re.M | re.S)
    missing += [f"docs/reference/cli.md: wye-azure-simulator lacks {flag}" for flag in sorted(simulator) if section is None or flag not in section[0]]
    return missing
