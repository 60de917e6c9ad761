"""Each rule of tools/lint: trees on which it must fire, and trees on which it must not."""
import unittest

from lint import runner, sizes
from lint.tree import Tree, code_only

LAYERS = ("foundation/base:\nfoundation/net: base   # the only dialer\nllm/route: base\nedge/gateway: base net llm/*\n"
          "config/kinds: base\napp: everything\n")


def room(name, links="", source="", **files):
    """A room with a README, a source and its CMakeLists."""
    tree = {f"src/{name}/CMakeLists.txt": f"wye_room({name}{' ' + links if links else ''})\n", f"src/{name}/README.md": "# it\n\nText.\n"}
    if source:
        tree[f"src/{name}/part.cpp"] = source
    tree.update({f"src/{name}/{file.replace('__', '.')}": text for file, text in files.items()})
    return tree


def rooms(*parts):
    tree = {"src/layers.txt": LAYERS, **room("foundation/base"), "src/foundation/base/error.hpp": "#pragma once\n",
            "src/foundation/net/loop.hpp": "#pragma once\n", "src/foundation/net/CMakeLists.txt": "wye_room(foundation/net)\n"}
    for part in parts:
        tree.update(part)
    return tree


BASE, NET = '#include "foundation/base/error.hpp"\n', '#include "foundation/net/loop.hpp"\n'
LONG = "void long_one(int a) {\n" + "  a += 1;\n" * 70 + "}\n"
SHORT = "void short_one(int a) {\n" + "  a += 1;\n" * 68 + "}\n"
THIRD = {"tools/setup/artefacts.toml": '[[artefact]]\nname = "part"\nversion = "1.2"\nlicence = "MIT"\n'}
HEAD = "| name | version | licence | why |\n|---|---|---|---|\n"
P = "/"  # joined, so that these cases are not themselves machine paths

# rule → (trees on which it fires, with a word of the message; trees on which it is silent)
CASES = {
    "layer-file": (
        [({"src/layers.txt": "a/x: nowhere\n"}, "nowhere"), ({"src/layers.txt": "a/x: a/y\na/y: a/z\na/z: a/x\n"}, "cycle")],
        [{"src/layers.txt": LAYERS}]),
    "layers": (
        [(rooms(room("llm/route", "LINKS foundation/base", BASE + NET)), "may not include foundation/net"),
         (rooms(room("llm/route", "LINKS foundation/base foundation/net", BASE)), "does not grant"),
         (rooms(room("llm/route", "LINKS foundation/base", "int x;\n")), "nothing includes it"),
         (rooms(room("llm/route", "LINKS foundation/base", "", part_test__cpp=BASE)), "TEST_LINKS"),
         (rooms(room("edge/gateway", "LINKS foundation/base", BASE + NET)), "does not link"),
         (rooms(room("edge/gateway", "", '#include "llm/route/gone.hpp"\n')), "does not link"),
         (rooms({"src/foundation/net/part.cpp": '#include "nowhere/part.hpp"\n'}), "names no file"),
         (rooms({"src/stray/part.cpp": "int x;\n"}), "lies in no room"),
         (rooms({"src/llm/route/part.cpp": "int x;\n"}), "CMakeLists.txt"),
         (rooms({"src/llm/route/part.cpp": "int x;\n", "src/llm/route/CMakeLists.txt": "wye_room(llm/rout)\n"}), "must hold one call")],
        [rooms(room("llm/route", "LINKS foundation/base", BASE + '// #include "foundation/net/loop.hpp"\n')),
         rooms(room("edge/gateway", "LINKS foundation/base TEST_LINKS foundation/net", BASE, part_test__cpp=NET)),
         rooms(room("app", "LINKS foundation/base foundation/net", BASE + NET + "#include <vector>\n"))]),
    "third-party-header": (
        [(rooms(room("foundation/net", "THIRD_PARTY ssl", "", tls__hpp="#pragma once\n#include <openssl/ssl.h>\n")), "in a header"),
         (rooms(room("foundation/net", "", "#include <simdjson.h>\n")), "THIRD_PARTY"),
         (rooms(room("foundation/net", "THIRD_PARTY simdjson", "int x;\n")), "no file of the room includes it"),
         (rooms(room("foundation/net", "", "#include <fmt/format.h>\n")), "of no library that the tree has"),
         (rooms(room("foundation/net", "", "", part_test__cpp="#include <boost/asio.hpp>\n")), "of no library that the tree has")],
        [rooms(room("foundation/net", "THIRD_PARTY ssl", "#include <openssl/ssl.h>\n#include <sys/epoll.h>\n#include <vector>\n"))]),
    "file-size": (
        [({"src/a.cpp": "int x;\n" * 801}, "801"), ({sizes.RATCHET: 'files = ["src/a.cpp"]\n', "src/a.cpp": "int x;\n"}, "no longer")],
        [{"src/a.cpp": "int x;\n" * 800}, {sizes.RATCHET: 'files = ["src/a.cpp"]\n', "src/a.cpp": "int x;\n" * 900}, {"docs/a.md": "x\n" * 900}]),
    "function-size": (
        [({"src/a.cpp": LONG}, "long_one has 72"), ({"src/a.cpp": f"namespace a {{\nclass B {{\n{LONG}}};\n}}\n"}, "long_one"),
         ({"src/a.cpp": "A::A(int x) : a_{x}, b_{x} {\n" + "  f();\n" * 80 + "}\n"}, "A::A has 82"),
         ({"src/a.cpp": 'void f() {\n  x = "{";\n' + "  g();\n" * 80 + "}\n"}, "f has 83"),
         ({"src/a.cpp": "template <class T>\n  requires(sizeof(T) > 1)\nResult<int> f(T t) noexcept {\n" + "  g();\n" * 80 + "}\n"}, "f has 84"),
         ({"tools/a.py": "def f():\n" + "    g()\n" * 80}, "f has 81"),
         ({sizes.RATCHET: 'functions = ["src/a.cpp:f"]\n', "src/a.cpp": "void f() {}\n"}, "no longer")],
        [{"src/a.cpp": SHORT}, {"src/a.cpp": "namespace a {\n" + SHORT * 3 + "}\n"},
         {"src/a.cpp": "constexpr int kTable[] = {\n" + "  1,\n" * 90 + "};\n"},
         {"src/a.cpp": "struct alignas(64) A {\n" + "  int f() { return 1; }\n" * 90 + "};\n"},
         {sizes.RATCHET: 'functions = ["src/a.cpp:long_one"]\n', "src/a.cpp": LONG}]),
    "name": (
        [({"src/a.hpp": "class StreamManager {};\n"}, "StreamManager"), ({"src/a.hpp": "struct Info {};\n"}, "Info"),
         ({"src/a.hpp": "enum class Common { kA };\n"}, "Common"), ({"src/a.hpp": "void process(int x);\n"}, "process"),
         ({"src/a.cpp": "Result<int> Gate::handle(int x) {\n}\n"}, "handle")],
        [{"src/a.hpp": "class MachineInfoLine {};\nclass ChildProcess;\n// class Manager\n"},
         {"src/a.cpp": "void f() {\n  return handle(1);\n  handle(2);\n}\n"},
         {"src/a.hpp": "using Handle = std::coroutine_handle<>;\n"}]),
    "file-name": (
        [({"src/x/util.cpp": "\n"}, "util"), ({"src/x/string_helpers.hpp": "\n"}, "helpers"), ({"src/x/data_test.cpp": "\n"}, "data"),
         ({"src/x/BadCase.cpp": "\n"}, "snake_case")],
        [{"src/x/data_class.cpp": "\n", "src/x/base_test.cpp": "\n", "docs/util.md": "\n"}]),
    "banned-call": (
        [({"src/x/a.cpp": f"void f() {{ {call}; }}\n"}, word) for call, word in [
            ("auto t = std::chrono::steady_clock::now()", "Clock&"), ("time(nullptr)", "Clock&"), ('std::getenv("A")', "app/"), ("rand()", "Random&"),
            ("std::random_device d", "Random&"), ("sprintf(a, b)", "snprintf"), ("strcpy(a, b)", "snprintf"), ('system("ls")', "child_process"),
            ("popen(a, b)", "child_process"), ("std::regex r", "parser"), ("t.detach()", "join"), ("::connect(fd, a, b)", "foundation/net"),
            ("::fork()", "child_process"), ("std::this_thread::sleep_for(x)", "timer"), ("::usleep(1)", "timer"),
            ("std::cout << 1", "Log"), ("printf(a)", "Log"),
            ("atoi(a)", "from_chars"), ("std::stoi(a)", "from_chars"), ("std::async(f)", "Task"), ("localtime_r(a, b)", "rfc3339"),
            ("delete pointer", "unique_ptr")]] + [({"src/x/a.hpp": "using namespace std;\n"}, "header")],
        [{"src/foundation/base/clock.cpp": "auto t = std::chrono::steady_clock::now();\n"},
         {"src/x/a_test.cpp": "auto t = std::chrono::steady_clock::now();\n"},
         {"src/app/main.cpp": 'std::getenv("A");\n'}, {"src/foundation/net/a.cpp": "::connect(fd, a, b);\n"},
         {"src/x/a.cpp": "co_await net::sleep(loop, x); shell::system(x);\n"}, {"src/x/a.cpp": "snprintf(a, 1, b);\n"},
         {"src/x/a.cpp": "A(const A&) = delete;\nfile_system(x); dialer.connect(x); wall_time(0); x.time(0);\n"},
         {"src/x/a.cpp": '// rand() is banned\nconst char* s = "system(";\nauto r = R"(popen(x))";\n'},
         {"bench/load/main.cpp": "std::printf(a);\n"}]),
    "open-end": ([({"docs/a.md": "a TO" + "DO here\n"}, "finish"),
    ({"src/a.cpp": "// FIX" + "ME\n"}, "finish")], [{"src/a.cpp": "// what is to do\n"}]),
    "machine-path": (
        [({"docs/a.md": f"see {P}work/main\n"}, "machine"), ({"src/a.cpp": f'open("{P}tmp/x");\n'}, "machine"),
         ({"a.yml": f"path: {P}home/someone/x\n"}, "machine")],
        [{"docs/a.md": f"the folder frame{P}work/x, ~{P}work and $HOME{P}work\n"}]),
    "registry-host": ([({"docs/a.md": "https://registry.np" + "mjs.org/x\n"}, "package")],
                      [{"docs/a.md": "npm's registry; https://www.npmjs.com/x\n"}]),
    "lock-address": (
        [({"a/package-lock.json": '{"resolved": "x"}\n'}, "no address"), ({"tools/x.lock": "--index-url x\n"}, "no address"),
         ({"a/.npmrc": "registry=http://x\n"}, "no address"), ({"tools/x.lock": "lite" + "llm==1.0\n"}, "never installed")],
        [{"a/package-lock.json": '{"integrity": "sha512-x"}\n'}, {"a/.npmrc": "omit-lockfile-registry-resolved=true\n"},
         {"docs/a.md": '"resolved": x\n'}]),
    "line-width": ([({"src/a.cpp": "//" + "x" * 149 + "\n"}, "151")], [{"src/a.cpp": "//" + "x" * 148 + "\n", "docs/a.md": "x" * 400 + "\n"}]),
    "whitespace": (
        [({"docs/a.md": "no end"}, "newline"), ({"src/a.cpp": "\tint x;\n"}, "tab"), ({"src/a.cpp": "int x; \n"}, "blanks"),
         ({"src/a.cpp": "int x;\r\n"}, "CRLF")],
        [{"Makefile": "all:\n\techo\n", "src/a.cpp": "int x;\n", "docs/a.md": "two blanks  \nbreak\n"},
         {"src/x/testdata/a.http": "GET / HTTP/1.1\r\n\r\n"}]),
    "header-guard": ([({"src/a.hpp": "int x;\n"}, "pragma")], [{"src/a.hpp": "#pragma once\n", "src/a.cpp": "int x;\n"}]),
    "syntax": (
        [({"a.py": "def f(:\n"}, "line 1"), ({"run": "#!/bin/sh\nif true; then\n"}, ""), ({"a.json": "{\n"}, ""), ({"a.toml": "x = \n"}, "")],
        [{"a.py": "x = 1\n", "run": "#!/bin/sh\ntrue\n", "a.json": "{}\n", "a.toml": "x = 1\n"}]),
    "readme": (
        [({"src/layers.txt": "a/x:\n", "src/a/x/CMakeLists.txt": "\n"}, "missing"),
         ({"src/layers.txt": "a/x:\n", "src/a/x/CMakeLists.txt": "\n", "src/a/x/README.md": "x\n"}, "ten lines")],
        [{"src/layers.txt": "a/x:\na/y:\n", "src/a/x/CMakeLists.txt": "\n", "src/a/x/README.md": "x\n" * 10}]),
    "dangling-link": (
        [({"docs/a.md": "[x](gone.md)\n"}, "gone.md"), ({"docs/a.md": "![x](../img/x.png)\n"}, "img/x.png"),
         ({"docs/a.md": "[x]: gone.md\n"}, "gone.md")],
        [{"docs/a.md": "[x](b.md#part) [y](../src) [z](https://x.example/y) [w](#here) `[a](gone.md)`\n```\n[b](gone.md)\n```\n", "docs/b.md": "\n",
          "src/a.cpp": "\n"}]),
    "third-party-list": (
        [({**THIRD}, "missing"), ({**THIRD, "THIRD_PARTY.md": HEAD}, "no row"),
         ({**THIRD, "THIRD_PARTY.md": HEAD + "| part | 1.3 | MIT | it |\n"}, "1.2"),
         ({**THIRD, "THIRD_PARTY.md": HEAD + "| part | 1.2 | BSD | it |\n"}, "BSD"),
         ({**THIRD, "THIRD_PARTY.md": HEAD + "| part | 1.2 | MIT | it |\n| more | 1 | MIT | it |\n"}, "nothing fetches")],
        [{**THIRD, "THIRD_PARTY.md": HEAD + "| part | 1.2 | MIT | it |\n"}]),
}


class Rules(unittest.TestCase):
    def test_every_rule_has_both_cases(self):
        self.assertEqual(set(CASES), set(runner.RULES))
        for rule, (fires, silent) in CASES.items():
            self.assertTrue(fires and silent, rule)

    def test_fires(self):
        for rule, (fires, _) in CASES.items():
            for tree, word in fires:
                with self.subTest(rule=rule, word=word):
                    found = list(runner.RULES[rule](Tree.of(tree)))
                    self.assertTrue([f for f in found if word in f"{f.message}"], f"{rule} said {[str(f) for f in found]}")
                    self.assertTrue(all(f.rule == rule for f in found))

    def test_silent(self):
        for rule, (_, silent) in CASES.items():
            for tree in silent:
                with self.subTest(rule=rule):
                    self.assertEqual([str(f) for f in runner.RULES[rule](Tree.of(tree))], [])


class Exceptions(unittest.TestCase):
    RULE = {"open-end": runner.RULES["open-end"]}
    ENTRY = '[[exception]]\nrule = "open-end"\npath = "a.md"\ntext = "TO' + 'DO"\nreason = "shown as an example"\n'

    def test_a_named_exception_is_no_finding(self):
        self.assertEqual(runner.findings(Tree.of({"a.md": "TO" + "DO\n", runner.EXCEPTIONS: self.ENTRY.replace("TO" + "DO", "TO")}), self.RULE), [])

    def test_an_exception_that_excuses_nothing_is_one(self):
        found = runner.findings(Tree.of({"a.md": "done\n", runner.EXCEPTIONS: self.ENTRY.replace("TO" + "DO", "TO")}), self.RULE)
        self.assertEqual([f.rule for f in found], ["exception"])


class Code(unittest.TestCase):
    def test_comments_and_literals_are_blank_and_lines_stay(self):
        text = 'int a = 1\'000; // x {\n/* {\n */ auto s = "}\\"{"; char c = \'{\';\nauto r = R"x({)" )x";\n#include "a/b.hpp"\n'
        code = code_only(text)
        self.assertEqual(code.count("\n"), text.count("\n"))
        self.assertNotIn("{", code)
        self.assertNotIn("}", code)
        self.assertIn("1'000", code)
        self.assertIn('#include "a/b.hpp"', code)

    def test_functions_are_found(self):
        code = code_only("namespace {\nstruct A {\n  A() : x_{1}, y_(2) {}\n  bool operator()(int) const { return true; }\n  int x_{0};\n};\n"
                         "#define M(x) \\\n  do { x } while (0)\n}\n"
                         "extern \"C\" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {\n  return 0;\n}\n"
                         "std::array<int, 2> a = {f(1), 2};\nauto g = [](int x) { return x; };\n")
        names = [sizes.name_of(signature) for _, _, signature in sizes.cpp_functions(code)]
        self.assertEqual(names[:2], ["A", "operator"])
        self.assertIn("LLVMFuzzerTestOneInput", names)


if __name__ == "__main__":
    unittest.main()
