"""What a test runner skipped, and why: `[(name, reason)]` out of its log. A skip that nobody sees is a test that nobody has."""
import re

SAID_BY_GTEST = re.compile(r"^\[ RUN      \] (\S+)\n(.*?)^\[  SKIPPED \] \1", re.M | re.S)


def of_gtest(text):
    found = []
    for match in SAID_BY_GTEST.finditer(text):
        lines = [line.strip() for line in match[2].splitlines() if line.strip() and not re.search(r"\.cpp:\d+: Skipped$", line)]
        found.append((match[1], " ".join(lines) or "no reason given"))
    return found


def of_ctest(text):
    """Of the log that ctest keeps of every program, passed or not."""
    parts = re.split(r"^\d+/\d+ Test(?:ing)?: (\S+)$", text, flags=re.M)[1:]
    rooms = {}
    for room, part in zip(parts[::2], parts[1::2]):
        rooms[room] = rooms.get(room, "") + part
    found = []
    for room, part in rooms.items():
        skipped = of_gtest(part) + of_unittest(part)
        if not skipped and re.search(r"^Test (time|Skipped)\b.*skip", part, re.M | re.I):
            skipped = [("whole program", "no reason given")]
        found += [(f"{room} {name}", reason) for name, reason in skipped]
    return found


def of_pytest(text):
    """Of the summary that `-rs` asks for."""
    return [(match[2], match[3]) for match in re.finditer(r"^SKIPPED \[(\d+)\] (\S+?): (.*)$", text, re.M)]


def of_node(text):
    """Both forms of its reporters: TAP and the readable one."""
    found = [(match[1].strip(), match[2].strip() or "no reason given") for match in re.finditer(r"^\s*ok \d+ - (.*?) # SKIP(.*)$", text, re.M)]
    readable = re.finditer(r"^\s*﹣ (.*?)(?: \([\d.]+ms\))? # (.*)$", text, re.M)
    found += [(match[1].strip(), match[2].strip() or "no reason given") for match in readable]
    return found


def of_unittest(text):
    """Of its verbose form."""
    return [(match[1], match[2]) for match in re.finditer(r"^(\S+) \(.*\)(?:\n.*)? \.\.\. skipped ['\"](.*)['\"]$", text, re.M)]
