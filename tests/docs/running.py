"""Runs what pages quote: shell and console blocks, programs of clients, configurations; and the one instance that some need."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from blocks import console_steps, output_matches

SECONDS = 120
START_SECONDS = 660  # `wye up --detach` gives up by itself after ten minutes


class Failure(Exception):
    """A block did not do what its page says."""


def find_programs(root):
    """The folder with `wye`: $WYE_BUILD (from the root of the tree), else the release build."""
    folder = Path(root) / os.environ.get("WYE_BUILD", "build/release")
    if (folder / "wye").exists():
        return folder.resolve()
    raise SystemExit("error: no program `wye`\n  help: make build")


class Place:
    """A folder of its own for all of this: programs on PATH, the samples beside, one folder a page."""

    def __init__(self, root, programs):
        self.root, self.programs = Path(root).resolve(), programs
        self.folder = Path(tempfile.mkdtemp(prefix="wye-docs-"))
        self.data = self.folder / "data"
        self.instance = None
        (self.folder / "bin").mkdir()
        for name in ("wye", "wye-azure-simulator"):
            (self.folder / "bin" / name).symlink_to(programs / name)

    def page(self, name):
        """Where the blocks of one page run, one after the other."""
        folder = self.folder / "pages" / re.sub(r"\W+", "-", name)
        if not folder.exists():
            (folder / "build").mkdir(parents=True)
            (folder / "build/release").symlink_to(self.folder / "bin")
            (folder / "deploy").symlink_to(self.root / "deploy")
            (folder / "node_modules").symlink_to(self.root / "tests/e2e/node/node_modules")
        return folder

    def environment(self, with_instance):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "AZURE_OPENAI_", "WYE_")) or k == "WYE_ARTIFACTS"}
        kept |= {"PATH": f"{self.folder / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"}
        kept["WYE_DATA"] = str(self.data)
        kept["XDG_CONFIG_HOME"] = str(self.folder / "config")  # nobody has signed in here
        return kept | (self.exports() if with_instance else {})

    def exports(self):
        """What `wye env` prints, once an instance is there; the first call starts it."""
        if self.instance is None:
            environment = self.environment(False)
            up = [self.folder / "bin/wye", "up", "--detach", "--port", "0", "--admin-port", "0"]
            started = run(up, environment, self.folder, START_SECONDS)
            if started.returncode != 0:
                raise Failure(f"`wye up --detach` gave {started.returncode}:\n{started.stdout}{started.stderr}")
            printed = run([self.folder / "bin/wye", "env"], environment, self.folder).stdout
            self.instance = dict(re.findall(r"^export (\w+)=['\"]?(.*?)['\"]?$", printed, re.M))
            if "OPENAI_BASE_URL" not in self.instance:
                raise Failure(f"`wye env` printed no OPENAI_BASE_URL:\n{printed}")
        return self.instance

    def end(self):
        try:
            if self.instance is not None:
                run([self.folder / "bin/wye", "down"], self.environment(False), self.folder)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(command, environment, folder, seconds=SECONDS):
    try:
        return subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=folder, env=environment, timeout=seconds,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"no end within {seconds} s: {' '.join(map(str, command))}") from late


def shell(command, place, block):
    expected = int(block.words.get("exit", 0))
    done = run(["bash", "-c", command], place.environment(block.asks("instance")), place.page(block.page))
    if done.returncode != expected:
        raise Failure(f"exit {done.returncode}, the page says {expected}: {command}\n{done.stdout}{done.stderr}")
    return done


def run_console(block, place):
    """Each command prints what stands below it, standard error included."""
    steps = console_steps(block.text)
    for number, (command, expected) in enumerate(steps, 1):
        last = number == len(steps)
        wanted = int(block.words.get("exit", 0)) if last else 0
        done = run(["bash", "-c", f"exec 2>&1\n{command}"], place.environment(block.asks("instance")), place.page(block.page))
        if done.returncode != wanted:
            raise Failure(f"exit {done.returncode}, the page says {wanted}: {command}\n{done.stdout}")
        if not output_matches(expected, done.stdout):
            raise Failure(f"{command}\n--- the page says\n" + "\n".join(expected) + f"\n--- it printed\n{done.stdout}")


def run_program(block, place):
    """A client's program, with the variables of `wye env`; it must end well and print something."""
    command = {"python": [sys.executable, "-c"], "js": ["node", "--input-type=module", "-e"]}[block.language]
    done = run([*command, block.text], place.environment(True), place.page(block.page))
    if done.returncode != 0:
        raise Failure(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    if not done.stdout.strip():
        raise Failure("the program printed nothing")


def check_configuration(blocks, place, refused=None):
    """Writes the blocks of one configuration as files and asks `wye check`; `refused`: a word that one of its complaints must quote."""
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        for number, block in enumerate(blocks):
            (Path(folder) / f"{number:02}.yaml").write_text(block.text)
        done = run([place.folder / "bin/wye", "check", folder], place.environment(False), place.folder)
    if refused is not None:
        if done.returncode != 1 or not re.search(rf'[`"]{re.escape(refused)}[`"]', done.stderr):
            raise Failure(f"`wye check` does not complain about {refused}:\n{done.stdout}{done.stderr}")
        return
    if done.returncode != 0:
        raise Failure(f"`wye check` refuses it:\n{done.stdout}{done.stderr}")
    if "warning:" in done.stderr:
        raise Failure(f"`wye check` warns:\n{done.stderr}")


def check_json(block):
    for text in block.text.splitlines() if block.language == "jsonl" else [block.text]:
        try:
            json.loads(text)
        except ValueError as error:
            raise Failure(f"no JSON: {error}") from error
