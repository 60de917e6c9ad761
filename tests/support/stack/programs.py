"""Where the programs under test and the models lie."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def build_folder():
    """`WYE_BUILD`, absolute or from the root of the tree; else the release build."""
    return (ROOT / os.environ.get("WYE_BUILD", "build/release")).resolve()


def program(name):
    path = build_folder() / name
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} does not exist: run `make build`, or say with WYE_BUILD where the programs are")
    return path


def artefacts():
    own = os.environ.get("WYE_ARTIFACTS")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wye"


def artefact(name):
    path = artefacts() / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: run `make setup`")
    return path


def is_instrumented():
    """True for a sanitizer build: it is several times slower and much larger."""
    with open(program("wye"), "rb") as file:
        return b"__asan_init" in file.read()
