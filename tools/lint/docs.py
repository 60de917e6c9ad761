"""Rooms have a README, links in Markdown lead somewhere, and THIRD_PARTY.md says what the set-up really fetches."""
import posixpath
import re
import tomllib
from urllib.parse import unquote

from lint.layers import read_layers
from lint.tree import Finding

LINK = re.compile(r"!?\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]\n]+\]:\s*(\S+)", re.M)
ROW = re.compile(r"^\|\s*`?([^|`]+?)`?\s*\|\s*`?([^|`]*?)`?\s*\|\s*([^|]*?)\s*\|\s*([^|]*?)\s*\|", re.M)
README_LINES = (3, 40)


def room_readmes(tree):
    if "src/layers.txt" not in tree.names:
        return
    for room in read_layers(tree.text("src/layers.txt")):
        readme = f"src/{room}/README.md"
        if not tree.has(f"src/{room}/CMakeLists.txt"):
            continue
        if readme not in tree.names:
            yield Finding(f"src/{room}/CMakeLists.txt", 1, "readme", f"{readme} is missing: about ten lines (what it is, key types, where to look, "
                          "what not to do)")
        elif not README_LINES[0] <= (count := len(tree.lines(readme))) <= README_LINES[1]:
            yield Finding(readme, 1, "readme", f"has {count}: about ten lines say what the room is, its key types, where to look, what not to do")


def without_code(text):
    """Markdown without fenced blocks and code spans, line numbers kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r"`[^`\n]*`", blank, re.sub(r"^(```|~~~).*?^\1", blank, text, flags=re.M | re.S))


def dangling_links(tree):
    for name in tree.below(endings=[".md"]):
        text = without_code(tree.text(name))
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("#"):
                continue
            path = unquote(target.split("#", 1)[0])
            full = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if not path.startswith("/") else path.lstrip("/")
            if full != "." and not tree.has(full):
                yield Finding(name, text.count("\n", 0, match.start()) + 1, "dangling-link", f"{target} leads nowhere (looked for {full})")


def wanted_rows(tree):
    """`{name: (version or None, licence or None, file that wants it)}` of everything third-party."""
    rows = {}
    if "tools/setup/artefacts.toml" in tree.names:
        for item in tomllib.loads(tree.text("tools/setup/artefacts.toml")).get("artefact", []):
            rows[item["name"]] = (item["version"], item["licence"], "tools/setup/artefacts.toml")
    for lock in tree.below("tools/setup/", [".lock"]):
        for match in re.finditer(r"^([\w.-]+)==(\S+)", tree.text(lock), re.M):
            rows[match[1]] = (match[2], None, lock)
    for manifest in ("tests/e2e/node/package.json", "tests/e2e/idp/package.json"):
        if manifest in tree.names:
            for match in re.finditer(r'"([@\w/.-]+)":\s*"(\d+\.\d+\.\d+[^"]*)"', tree.text(manifest)):
                rows[f"{match[1]} (npm)"] = (match[2], None, manifest)
    if "tools/setup/apt.toml" in tree.names:
        for item in tomllib.loads(tree.text("tools/setup/apt.toml"))["package"]:
            rows[item["name"]] = (None, None, "tools/setup/apt.toml")
    return rows


def third_party_list(tree):
    wanted = wanted_rows(tree)
    if not wanted:
        return
    page = "THIRD_PARTY.md"
    if page not in tree.names:
        yield Finding(page, 1, "third-party-list", "is missing: every dependency with version, licence and why")
        return
    rows = {m[1].strip(): (m[2].strip(), m[3].strip(), m[4].strip()) for m in ROW.finditer(tree.text(page))
            if not set(m[1]) <= set("-: ") and m[1] != "name"}
    for name, (version, licence, source) in sorted(wanted.items()):
        if name not in rows:
            yield Finding(page, 1, "third-party-list", f"{name} ({source}) has no row")
        elif version and rows[name][0] != version:
            yield Finding(page, 1, "third-party-list", f"{name}: {rows[name][0] or 'no version'} here, {version} in {source}")
        elif licence and rows[name][1] != licence:
            yield Finding(page, 1, "third-party-list", f"{name}: licence {rows[name][1]} here, {licence} in {source}")
        elif not all(rows[name]):
            yield Finding(page, 1, "third-party-list", f"{name}: version, licence and why must be filled")
    for name in sorted(set(rows) - set(wanted)):
        yield Finding(page, 1, "third-party-list", f"{name} has a row, but nothing fetches or installs it")


RULES = {"readme": room_readmes, "dangling-link": dangling_links, "third-party-list": third_party_list}
