"""Calls that are banned, where they are still allowed and why, and what to call instead."""
import re
from dataclasses import dataclass

from lint.tree import Finding, line_of


@dataclass(frozen=True)
class Ban:
    name: str
    pattern: str
    instead: str
    allowed: tuple = ()   # path prefixes
    in_tests: bool = False
    in_bench: bool = False


# Tests wait for real time and real sockets; bench/ measures with them and may use no room of the product.
BANS = [
    Ban("clock", r"std::chrono::\w+_clock::now|\b(?:clock_gettime|gettimeofday)\s*\(|(?<![\w.>:])(?:std::)?time\s*\(\s*(?:nullptr|NULL|0)\s*\)",
        "take a Clock& (foundation/base/clock.hpp)", ("src/foundation/base/clock.cpp",), True, True),
    Ban("environment", r"\b(?:getenv|secure_getenv|setenv|putenv)\s*\(", "take the value as an argument; app/ reads the environment",
        ("src/app/",), True, True),
    Ban("random", r"(?<![\w.>:])(?:std::)?s?rand\s*\(|std::random_device|\bdrand48\s*\(", "take a Random& (foundation/base/random.hpp)"),
    Ban("unbounded-string", r"(?<!\w)(?:std::)?(?:v?sprintf|strcpy|strcat|gets|strtok)\s*\(", "snprintf with the size, or build a std::string"),
    Ban("shell", r"(?<![\w.>:])(?:std::|::)?(?:system|popen)\s*\(", "start a program by its argument list: foundation/os/child_process.hpp"),
    Ban("regex", r"std::(?:basic_)?regex\b", "write the few lines of a parser: std::regex recurses on its input and is slow", (), True),
    Ban("detach", r"\.\s*detach\s*\(\s*\)", "own the thread and join it, or run a Task in a Scope"),
    Ban("socket", r"(?<![\w>])::(?:connect|socket|bind|listen|accept4?)\s*\(", "go through foundation/net: the one dialer and its checks",
        ("src/foundation/net/", "src/foundation/os/service_notice.cpp", "src/foundation/os/machine_stats.cpp"), True, True),
    Ban("child", r"(?<![\w.>:])(?:::)?(?:v?fork|posix_spawnp?|execv[pe]*|execl[pe]?)\s*\(",
        "foundation/os/child_process.hpp: it ends with its parent", ("src/foundation/os/", "src/app/"), True, True),
    Ban("sleep", r"std::this_thread::sleep_(?:for|until)|(?<![\w.>:])(?:::)?(?:u|nano)?sleep\s*\(", "wait on a timer of the loop, or on a Clock&",
        ("src/foundation/os/", "src/foundation/net/"), True, True),
    Ban("print", r"std::(?:cout|cerr|clog)\b|(?<![\w.>:])(?:std::)?(?:printf|fprintf|puts)\s*\(",
        "write a line to Log (foundation/base/log.hpp); app/ prints",
        ("src/app/", "src/simulator/"), True, True),
    Ban("lossy-number", r"(?<![\w.>:])(?:std::)?(?:atoi|atol|atof|stoi|stol|stoul|stoull|stoll|stod|strtol|strtoul)\s*\(",
        "std::from_chars: it tells overflow, takes no locale and throws nothing", (), True, True),
    Ban("async", r"std::async\b", "a Task on the loop, or net's offload: std::async hides a thread and blocks in its destructor"),
    Ban("locale-time", r"(?<![\w.>:])(?:std::)?(?:localtime|gmtime|mktime|strftime|asctime)(?:_r)?\s*\(",
        "rfc3339 and parse_rfc3339 (foundation/base/clock.hpp)",
        ("src/foundation/base/clock.cpp",), False, True),
    Ban("delete", r"(?<![=\w]\s)(?<!=)\bdelete\s*(?:\[\s*\])?\s+?\w", "let a std::unique_ptr or a container own it"),
    Ban("header-using", r"^[ \t]*using namespace\b(?!.*literals)", "name what is used: a header's using leaks into every includer"),
]


def is_test(name):
    return name.endswith(("_test.cpp", "_fuzz.cpp")) or name.startswith("tests/") or "_test_" in name


def banned_calls(tree):
    for name in tree.sources("src/", "bench/", "tests/"):
        code = tree.code(name)
        for ban in BANS:
            if name.startswith(ban.allowed or ("\0",)) or (ban.in_tests and is_test(name)) or (ban.in_bench and name.startswith("bench/")):
                continue
            if ban.name == "header-using" and not name.endswith(".hpp"):
                continue
            for match in re.finditer(ban.pattern, code, re.M):
                if ban.name == "header-using" and match.group().startswith((" ", "\t")):
                    continue  # inside a function
                yield Finding(name, line_of(code, match.start()), "banned-call", f"{' '.join(match.group().split())} ({ban.name}): {ban.instead}")


RULES = {"banned-call": banned_calls}
