"""clang-format and clang-tidy over the C++ sources."""
import hashlib
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from dev import build
from dev.console import Progress, StepError, say

SOURCES = ("src/**/*.cpp", "src/**/*.hpp", "bench/**/*.cpp", "bench/**/*.hpp")


def sources(root):
    return sorted({p for pattern in SOURCES for p in root.glob(pattern) if p.is_file()})


def rewrite(root):
    files = sources(root)
    done = subprocess.run(["clang-format-19", "-i", *files], cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise StepError("make format", done.stderr.strip()[-400:], "mend .clang-format or the file it names")
    say(f"make format: {len(files)} files")
    return 0


def unformatted(root, files=None):
    """The files that clang-format would change."""
    files = sources(root) if files is None else files
    if not files:
        return []
    done = subprocess.run(["clang-format-19", "--dry-run", *files], cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    named = {line.split(":", 1)[0] for line in done.stderr.splitlines() if "-Wclang-format-violations" in line}
    return sorted(os.path.relpath(name, root) for name in named)


def check(root):
    files = unformatted(root)
    for name in files:
        say(f"  {name}")
    say(f"format: {len(files)} of {len(sources(root))} files differ from .clang-format; `make format` rewrites them")
    return 0


def _key(root, entry):
    """A digest of the file as the compiler sees it, of its flags and of the rules: clean once is clean for ever."""
    command = entry["command"].split()
    command = [w for i, w in enumerate(command) if "ccache" not in w and not w.startswith("CCACHE_") and w != "env"]
    keep, skip = [], 0
    for i, word in enumerate(command):
        if skip:
            skip -= 1
        elif word in ("-o", "-MF", "-MT"):
            skip = 1
        elif word == "-Xclang" and i + 3 < len(command) and command[i + 1] == "-include-pch":
            skip = 3
        elif word not in ("-c", "-MD"):
            keep.append(word)
    pch = ["-include", str(root / "cmake/pch.hpp")]
    done = subprocess.run([*keep, *pch, "-E", "-P"], cwd=entry["directory"], capture_output=True)
    digest = hashlib.sha256(done.stdout)
    digest.update((root / ".clang-tidy").read_bytes())
    return digest.hexdigest() if done.returncode == 0 else None


def _tidy_one(root, folder, entry, clean, deadline):
    key = _key(root, entry)
    if key and (clean / key).exists():
        return "cached", ""
    if deadline and time.monotonic() > deadline:
        return "left", ""
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", folder, entry["file"]], cwd=root, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode == 0:
        if key:
            (clean / key).touch()
        return "clean", ""
    return "found", done.stdout


def tidy(root, budget):
    """Checks every source of the release preset that is not yet known clean. Returns 1 with findings."""
    with build.exclusive(root):
        folder = build.configure(root, "release")
        clean = root / "build/tidy"
        clean.mkdir(parents=True, exist_ok=True)
        entries = [e for e in json.loads((folder / "compile_commands.json").read_text()) if "/src/" in e["file"] and "/build/" not in e["file"]]
        subprocess.run(["ninja", "-C", folder, "wye_pch", "wye_pch_test"], capture_output=True, stdin=subprocess.DEVNULL)
        progress, start = Progress("clang-tidy"), time.monotonic()
        deadline = start + budget if budget else None
        counts = {"cached": 0, "clean": 0, "found": 0, "left": 0}
        with ThreadPoolExecutor(2) as pool:
            for state, text in pool.map(lambda e: _tidy_one(root, folder, e, clean, deadline), entries):
                counts[state] += 1
                progress.tick(f"{sum(counts.values())} of {len(entries)} files")
                if text:
                    say(text.rstrip())
        progress.done()
    say(f"make tidy: {counts['found']} files with findings, {counts['clean']} newly clean, {counts['cached']} known clean, {counts['left']} left "
        f"for the next run, {time.monotonic() - start:.0f} s")
    return 1 if counts["found"] else 0
