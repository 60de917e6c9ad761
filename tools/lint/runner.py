"""Runs every rule over the tree and prints what it finds."""
import tomllib

from dev import formatting
from lint import calls, docs, layers, names, sizes, text
from lint.tree import Finding, Tree

RULES = {**layers.RULES, **sizes.RULES, **names.RULES, **calls.RULES, **text.RULES, **docs.RULES}
EXCEPTIONS = "tools/lint/exceptions.toml"


def findings(tree, rules=None):
    """What the rules find, without the named exceptions; an exception that excuses nothing is itself a finding."""
    found = {finding for rule in (rules or RULES).values() for finding in rule(tree)}
    listed = tomllib.loads(tree.text(EXCEPTIONS)).get("exception", []) if EXCEPTIONS in tree.names else []
    for item in listed:
        excused = {f for f in found if f.rule == item["rule"] and f.path == item["path"] and item["text"] in f.message}
        if not excused and (rules is None or item["rule"] in rules):
            found.add(Finding(EXCEPTIONS, 1, "exception", f"{item['path']} no longer breaks {item['rule']} by {item['text']}: remove the entry"))
        found -= excused
    return sorted(found)


def run(root):
    """Prints findings; returns their number. What only informs does not count."""
    tree = Tree.load(root)
    found = findings(tree)
    for finding in found:
        print(finding)
    aim = sizes.over_aim(tree)
    if aim:
        print(f"note: {len(aim)} files over {sizes.FILE_LINES_AIM} lines: {' '.join(aim[:8])}{' …' if len(aim) > 8 else ''}")
    changed = formatting.unformatted(root)
    print(f"note: {len(changed)} files differ from .clang-format (`make format` rewrites them)")
    return len(found)
