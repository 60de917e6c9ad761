"""The test clients: Python packages in a private environment, Node packages in a folder named by the digest of their lock."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dev import console, packages
from dev.console import StepError

PYTHON_WANTED = (3, 11)
NODE_WANTED = (20,)
NODE_FOLDERS = ("tests/e2e/node", "tests/e2e/idp")
PRESENT = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('openai', 'pytest', 'msal', 'azure'))))"


def check_versions(python=sys.version_info, node=None):
    """Refuses tools that are too old, naming the version that is wanted."""
    if tuple(python[:2]) < PYTHON_WANTED:
        raise StepError("Python", f"version {python[0]}.{python[1]} is too old", "install Python 3.11 or newer (Debian 12: apt-get install python3)")
    if node is None:
        try:
            node = subprocess.run(["node", "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
        except OSError:
            node = ""
    found = re.match(r"v(\d+)", node.strip())
    if not found or (int(found[1]),) < NODE_WANTED:
        raise StepError("Node.js", f"found {node.strip() or 'none'}",
                        f"install Node.js {NODE_WANTED[0]} or newer with npm, so that `node --version` says so")


def _short_digest(*files):
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:16]


def python_clients(cache, root):
    """The interpreter of the end-to-end tests, with the packages of clients.lock; made once for each lock."""
    lock = root / "tools/setup/clients.lock"
    folder = cache.path(f"venvs/clients-{_short_digest(lock)}-{sys.version_info[0]}.{sys.version_info[1]}")
    ready = folder / ".installed"
    python = folder / "bin/python"
    if ready.exists() and python.exists() and subprocess.run([python, "-c", PRESENT], capture_output=True).returncode == 0:
        return python
    packages.make_venv(folder, cache, "test clients")
    console.run("installing the Python test clients", [python, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "-r", lock],
                cache.log("clients-python"), env=packages.client_env(), how=packages.GO_ON.format(client="pip"))
    ready.touch()
    return python


def node_clients(cache, root):
    """Puts node_modules in place below each folder of NODE_FOLDERS."""
    return [node_folder(cache, root / folder) for folder in NODE_FOLDERS]


def node_folder(cache, source):
    """A link into the cache, so that a second clone needs no network."""
    lock, manifest = source / "package-lock.json", source / "package.json"
    folder = cache.path(f"node/{_short_digest(lock, manifest)}")
    if not (folder / ".installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in (lock, manifest):
            shutil.copy(file, folder / file.name)
        console.run("installing the Node test clients", ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cache.log("clients-node"),
                    cwd=folder, env=packages.client_env(), how=packages.GO_ON.format(client="npm"))
        (folder / ".installed").touch()
    link = source / "node_modules"
    if link.is_symlink() and os.readlink(link) == str(folder / "node_modules"):
        return folder
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)
    link.symlink_to(folder / "node_modules")
    return folder
