"""Rooms may include and link only what src/layers.txt grants: includes, CMake links and that file must agree."""
import re

from lint.tree import Finding, line_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
ROOM_CALL = re.compile(r"^\s*wye_room\(([^)]*)\)", re.M)
# Third-party headers by how they begin, and the name after THIRD_PARTY that grants them.
THIRD_PARTY = {
    "openssl/": ("openssl", "ssl"), "simdjson": ("simdjson",), "sqlite3": ("sqlite",), "yaml-cpp/": ("yaml",),
    "CLI/": ("cli11",), "gtest/": ("gtest",), "gmock/": ("gtest",),
}
# Folders of headers that the system and the compiler bring; any other folder is a library that nobody has admitted.
SYSTEM_FOLDERS = ("sys/", "arpa/", "net/", "netinet/", "linux/", "asm/", "bits/", "experimental/", "sanitizer/")
WITHOUT_HEADER = {"threads", "ssl", "openssl"}  # linked for their symbols; or named together, one header folder serving both


def read_layers(text):
    """`{room: [grants as written]}` in the order of the file."""
    rooms = {}
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        if ":" in line:
            room, grants = line.split(":", 1)
            rooms[room.strip()] = grants.split()
    return rooms


def expand(rooms):
    """`{room: {rooms it may include}}`: short names are rooms of foundation/, `kinds` is config/kinds, `group/*` all of a group."""
    granted = {}
    for room, grants in rooms.items():
        allowed = set()
        for grant in grants:
            if grant == "everything":
                allowed |= set(rooms)
            elif grant == "kinds":
                allowed.add("config/kinds")
            elif grant.endswith("/*"):
                allowed |= {r for r in rooms if r.startswith(grant[:-1])}
            else:
                allowed.add(grant if grant in rooms else f"foundation/{grant}")
        granted[room] = allowed - {room}
    return granted


def room_of(path, rooms):
    """The room that holds `path` (below src/), or None."""
    parts = path.split("/")
    return next((room for room in ("/".join(parts[:n]) for n in range(len(parts), 0, -1)) if room in rooms), None)


def read_links(text):
    """The arguments of wye_room: its path and `{keyword: [names]}`; None where it is not called once."""
    calls = ROOM_CALL.findall(re.sub(r"#[^\n]*", "", text))
    if len(calls) != 1:
        return None, {}
    words, lists, current = calls[0].split(), {}, None
    for word in words[1:]:
        if word in ("LINKS", "THIRD_PARTY", "TEST_LINKS"):
            current = lists.setdefault(word, [])
        elif current is not None:
            current.append(word)
    return (words or [None])[0], lists


def includes(tree, name):
    """`(line, header, is_ours)` of each include."""
    code = tree.code(name)
    for match in INCLUDE.finditer(code):
        yield line_of(code, match.start()), match[1] or match[2], match[1] is not None


def is_test(name):
    return name.endswith(("_test.cpp", "_fuzz.cpp", "_test.hpp")) or "_test_" in name


def layer_file(tree):
    """The file itself: grants name rooms that it lists, and no room includes itself by a detour."""
    if "src/layers.txt" not in tree.names:
        return
    rooms = read_layers(tree.text("src/layers.txt"))
    granted = expand(rooms)
    for room, allowed in granted.items():
        for unknown in sorted(allowed - set(rooms)):
            yield Finding("src/layers.txt", 1, "layer-file", f"{room} is granted {unknown}, which is no room of this file")
    state = {}

    def visit(room, trail):
        state[room] = "open"
        for lower in sorted(granted.get(room, ())):
            if state.get(lower) == "open":
                yield Finding("src/layers.txt", 1, "layer-file", "cycle: " + " → ".join([*trail[trail.index(lower):], lower]))
            elif lower not in state:
                yield from visit(lower, [*trail, lower])
        state[room] = "done"

    for room in granted:
        if room not in state:
            yield from visit(room, [room])


def layers(tree):
    """Each include of another room is granted and linked; each link is granted and used."""
    if "src/layers.txt" not in tree.names:
        return
    granted = expand(read_layers(tree.text("src/layers.txt")))
    files = {}
    for name in tree.sources("src/"):
        room = room_of(name.removeprefix("src/"), granted)
        if room is None:
            yield Finding(name, 1, "layers", "lies in no room of src/layers.txt: move it into one, or add the room there with what it may include")
        else:
            files.setdefault(room, []).append(name)
    for room, names in sorted(files.items()):
        cmake = f"src/{room}/CMakeLists.txt"
        if cmake not in tree.names:
            yield Finding(names[0], 1, "layers", f"room {room} has sources and no {cmake}: add `wye_room({room} LINKS …)`")
            continue
        yield from _one_room(tree, room, names, granted, cmake)


def _one_room(tree, room, names, granted, cmake):
    path, lists = read_links(tree.text(cmake))
    if path != room:
        yield Finding(cmake, 1, "layers", f"must hold one call wye_room({room} …), found {path}")
        return
    links, test_links = set(lists.get("LINKS", [])), set(lists.get("TEST_LINKS", []))
    for link in sorted((links | test_links) - granted[room]):
        yield Finding(cmake, 1, "layers", f"links {link}, which src/layers.txt does not grant to {room}: depend on a port that {room} "
                      "declares instead")
    used, used_by_tests = set(), set()
    for name in names:
        for line, header, ours in includes(tree, name):
            if not ours:
                continue
            other = room_of(header, granted)
            if other is None:
                if not tree.has(f"src/{header}"):
                    yield Finding(name, line, "layers", f'"{header}" names no file below src/: write the path from src/')
                continue
            if other == room:
                continue
            (used_by_tests if is_test(name) else used).add(other)
            if other not in granted[room]:
                yield Finding(name, line, "layers", f"{room} may not include {other} (src/layers.txt): declare a port in {room} and let "
                              "app/ connect it")
            elif other not in links and not (is_test(name) and other in test_links):
                keyword = "TEST_LINKS" if is_test(name) else "LINKS"
                yield Finding(name, line, "layers", f"includes {other}, which {cmake} does not link: add it to {keyword}")
    for link in sorted(links - used):
        where = "only tests include it: move it to TEST_LINKS" if link in used_by_tests else "nothing includes it: remove it"
        yield Finding(cmake, 1, "layers", f"links {link}, but {where}")
    for link in sorted(test_links - used_by_tests):
        yield Finding(cmake, 1, "layers", f"TEST_LINKS names {link}, but no test includes it: remove it")


def third_party(tree):
    """Third-party headers stay in .cpp files of the room whose CMakeLists names the library."""
    if "src/layers.txt" not in tree.names:
        return
    rooms = read_layers(tree.text("src/layers.txt"))
    used = {}
    for name in tree.sources("src/"):
        room = room_of(name.removeprefix("src/"), rooms)
        cmake = f"src/{room}/CMakeLists.txt"
        granted = read_links(tree.text(cmake))[1].get("THIRD_PARTY", []) if cmake in tree.names else []
        for line, header, ours in includes(tree, name):
            libraries = next((libraries for begin, libraries in THIRD_PARTY.items() if header.startswith(begin)), None)
            if libraries is None:
                if "/" in header and not ours and not header.startswith(SYSTEM_FOLDERS):
                    yield Finding(name, line, "third-party-header", f"<{header}> is of no library that the tree has: admit it in "
                                  "cmake/third_party.cmake, THIRD_PARTY.md and tools/lint/layers.py, or do without")
                continue
            used.setdefault(room, set()).update(libraries)
            if is_test(name) or ("gtest" in libraries and "test" in name):
                continue
            if name.endswith(".hpp"):
                yield Finding(name, line, "third-party-header", f"<{header}> in a header: include it in the .cpp that wraps it, behind a type "
                              "of this room")
            elif not set(libraries) & set(granted):
                yield Finding(name, line, "third-party-header", f"<{header}>, but {cmake} does not name {' or '.join(libraries)} after THIRD_PARTY")
    for room in rooms:
        cmake = f"src/{room}/CMakeLists.txt"
        if cmake in tree.names:
            for library in read_links(tree.text(cmake))[1].get("THIRD_PARTY", []):
                if library not in WITHOUT_HEADER and library not in used.get(room, ()):
                    yield Finding(cmake, 1, "third-party-header", f"THIRD_PARTY names {library}, but no file of the room includes it: remove it")


RULES = {"layer-file": layer_file, "layers": layers, "third-party-header": third_party}
