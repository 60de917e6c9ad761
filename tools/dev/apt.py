"""Debian packages of the set-up: asks dpkg what is missing, installs it, or says the exact command."""
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

from dev import console
from dev.console import StepError, say

LIST = Path(__file__).resolve().parent.parent / "setup" / "apt.toml"
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y"]


def load(path=LIST):
    return tomllib.loads(Path(path).read_text())["package"]


def installed(names):
    """Those of `names` that dpkg holds as installed; empty where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return set()
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names], capture_output=True, text=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}


def missing(groups, packages=None, have=None, which=shutil.which):
    wanted = [p for p in (packages or load()) if p["group"] in groups and not (p.get("unless") and which(p["unless"]))]
    held = installed([p["name"] for p in wanted]) if have is None else have
    return [p["name"] for p in wanted if p["name"] not in held]


def prefix(euid=None, which=shutil.which, sudo_works=None):
    """What to put before apt-get: nothing for root, sudo where it works, None where neither does."""
    if (os.geteuid() if euid is None else euid) == 0:
        return []
    if not which("sudo"):
        return None
    works = sudo_works or (lambda: subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
                           or (os.isatty(0) and subprocess.run(["sudo", "-v"]).returncode == 0))
    return ["sudo"] if works() else None


def ensure(cache, groups, *, names=None, before=None):
    names = missing(groups) if names is None else names
    if not names:
        return False
    by_hand = f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(names)}"
    before = prefix() if before is None else before
    if before is None or not shutil.which("apt-get"):
        raise StepError("installing packages", f"{len(names)} are missing, and this user can use neither root's rights nor sudo",
                        f"have this run, then `make setup` again:\n    {by_hand}")
    say(f"Installing {len(names)} packages: {' '.join(names)}")
    set_env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    how = f"see the log above; by hand it is\n    {by_hand}"
    console.run("apt-get update", [*before, *set_env, *APT, "update"], cache.log("apt-update"), how=how)
    console.run(f"apt-get install of {len(names)} packages", [*before, *set_env, *APT, "install", "--no-install-recommends", *names],
                cache.log("apt-install"), how=how)
    left = [n for n in names if n not in installed(names)]
    if left:
        raise StepError("installing packages", f"apt-get ended well, yet these are not installed: {' '.join(left)}", how)
    return True
