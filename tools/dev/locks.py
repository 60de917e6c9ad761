"""Writes the hashed requirement files (`wye-dev lock`): exact versions, digests for every Python in use, no registry address."""
import json
import subprocess
import tempfile
from pathlib import Path

from dev import packages
from dev.console import StepError, say

SETUP = Path(__file__).resolve().parent.parent / "setup"
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_27_x86_64", "manylinux_2_28_x86_64")


def resolve(python, wanted, version):
    """`{(name, version): {digests}}` of what `wanted` needs on one Python version."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--only-binary", ":all:",
                   "--python-version", version, "--target", folder, "--report", report, *wanted]
        for platform in PLATFORMS:
            command += ["--platform", platform]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=packages.client_env())
        if done.returncode != 0:
            raise StepError(f"resolving for Python {version}", done.stderr.strip()[-400:], "check the network and the versions in the .in file")
        items = json.loads(report.read_text())["install"]
    return {(i["metadata"]["name"].lower(), i["metadata"]["version"]): i["download_info"]["archive_info"]["hashes"]["sha256"] for i in items}


def write_lock(cache, stem):
    source = SETUP / f"{stem}.in"
    wanted = [line.split("#")[0].strip() for line in source.read_text().splitlines() if line.split("#")[0].strip()]
    python = packages.make_venv(cache.path("work/python"), cache, "locks")
    found = {}
    pins = wanted
    for version in PYTHONS:
        for pin, digest in resolve(python, pins, version).items():
            found.setdefault(pin, set()).add(digest)
        pins = wanted + [f"{n}=={v}" for n, v in found]
    lines = [f"# Made by `tools/wye-dev lock` from {source.name}; Python {', '.join(PYTHONS)} on x86-64 Linux."]
    for (name, version), digests in sorted(found.items()):
        lines.append(f"{name}=={version} " + " ".join(f"--hash=sha256:{d}" for d in sorted(digests)))
    (SETUP / f"{stem}.lock").write_text("\n".join(lines) + "\n")
    say(f"{stem}.lock: {len(found)} packages")
