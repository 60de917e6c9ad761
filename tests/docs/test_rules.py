"""The test of the documentation can fail: for each of its rules one case that must fire and one that must not."""
from pathlib import Path

import commands
import facts
import pytest
import running
from blocks import blocks_of, console_steps, output_matches, parse_info


class FakePrograms:
    root = Path(".")

    def subcommands(self, *words):
        return {(): {"up", "keys"}, ("keys",): {"create"}}.get(words, set())

    def wye(self, *words):
        return {("up",): "  --port INT\n  --detach", ("keys", "create"): "  --tenant TEXT"}.get(words, "--version")

    def simulator(self):
        return "  --port N\n"


def problems(text, language="sh"):
    block, = blocks_of("page.md", f"```{language}\n{text}\n```\n")
    return commands.problems(block, FakePrograms(), {"up", "test"})


@pytest.mark.parametrize("line", ["make up", "make up ARGS=x", "wye up --port 1 --detach", "wye keys create --tenant t", "ls --anything",
                                  'eval "$(wye up)"', "A=b wye up | cat --no", "wye-azure-simulator --port 0"])
def test_commands_that_exist(line):
    assert problems(line) == []


@pytest.mark.parametrize("line", ["make dance", "wye dance", "wye up --prot 1", "wye keys dance", "wye keys create --tenent t", 'eval "$(wye dance)"',
                                  "wye-azure-simulator --prot 0", "wye up \\\n  --prot 1"])
def test_commands_that_do_not_exist(line):
    assert len(problems(line)) == 1


def test_console_lines_are_read_as_commands_only_behind_the_prompt():
    assert problems("$ wye dance\nwye sings", "console") == ["page.md:1: wye dance: no such command"]


def test_blocks_and_their_words():
    blocks = blocks_of("p", "a\n```yaml check=one\nx: 1\n```\n~~~sh run exit=3\n```\n~~~\n")
    assert [(b.line, b.language, b.words, b.text) for b in blocks] == [
        (2, "yaml", {"check": "one"}, "x: 1\n"), (5, "sh", {"run": "", "exit": "3"}, "```\n")]
    assert parse_info("") == ("", {})
    with pytest.raises(ValueError):
        blocks_of("p", "```sh\nnever closed\n")


def test_console_steps():
    assert console_steps("$ a \\\n> b\none\ntwo\n$ c\n") == [("a b", ["one", "two"]), ("c", [])]
    with pytest.raises(ValueError):
        console_steps("no prompt\n")


@pytest.mark.parametrize("expected, actual, same", [
    (["a…z"], "a to z\n", True), (["a…z"], "a to y\n", False), (["a", "…", "z"], "a\n1\n2\nz\n", True), (["…"], "", True), ([], "", True),
    ([], "noise\n", False), (["a"], "a\nb\n", False), (["(a)"], "(a)", True)])
def test_output(expected, actual, same):
    assert output_matches(expected, actual) is same


def test_error_rows_of_a_source():
    text = 'constexpr std::string_view kX = "x_error";\n ErrorRow{ErrorCode::kA, 400, kX, "", false},\n ErrorRow{ErrorCode::kB, 503, "y", "b", true},'
    assert facts.error_rows_of_source(text) == {("400", "x_error", "null", "no"), ("503", "y", "b", "yes")}


def test_tables():
    page = "## One\n| a | b |\n|---|---|\n| `x` | y \\| z |\n\n## Two\n| c |\n"
    assert facts.table_rows(page, "One") == [["a", "b"], ["x", "y \\| z"]]
    assert facts.differences("p", {"a", "b"}, {"b", "c"}) == [
        "p: c is in the sources and not on the page", "p: a is on the page and not in the sources"]


def test_json_blocks():
    good, bad = blocks_of("p", '```json\n{"a": 1}\n```\n```json\n{a: 1}\n```\n')
    running.check_json(good)
    with pytest.raises(running.Failure):
        running.check_json(bad)
