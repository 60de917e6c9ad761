"""The folder of set-up artefacts, `${XDG_CACHE_HOME:-~/.cache}/wye`: where things lie, what was verified, who may write.

    bin/llama-server bin/llama-quantize   models/*.gguf   json-test-suite/ wycheproof/ rfc7520/   venvs/ node/ (test clients)
    manifest.json   per file: sha256, bytes, the artefact it came from, and a key of everything it was made from
    work/           what is being made; may be deleted at any time         logs/   the last log of each step

Every file is written under a temporary name and renamed, so a file that is there is whole; the manifest is written after it.
"""
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path

from dev.console import Progress, StepError, say

CHUNK = 1 << 20


def default_root():
    """`${XDG_CACHE_HOME:-~/.cache}/wye`; an XDG_CACHE_HOME that is not absolute counts as unset, as its specification says."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "wye"


def sha256_file(path, label=None):
    digest = hashlib.sha256()
    progress = Progress(label or f"checking {Path(path).name}")
    with open(path, "rb") as source:
        while block := source.read(CHUNK):
            digest.update(block)
            progress.tick()
    progress.done()
    return digest.hexdigest()


class Cache:
    """The artefact folder. One writer at a time: use `with cache.locked():` around everything that changes it."""

    def __init__(self, root=None):
        self.root = Path(root) if root else default_root()

    def path(self, relative):
        return self.root / relative

    def log(self, name):
        return self.root / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def locked(self):
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = open(self.root / "lock", "a+")
        except OSError as error:
            raise StepError("set-up", f"cannot write to {self.root}: {error.strerror}",
                            "make that folder writable, or set XDG_CACHE_HOME to one that is") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                say(f"Another set-up is at work (process {lock.read().strip() or '?'}); waiting for it to end …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield self

    def manifest(self):
        """What was installed; empty when the file is missing or damaged (then everything is verified against its pin again)."""
        try:
            found = json.loads(self.path("manifest.json").read_text())
            if isinstance(found["files"], dict) and isinstance(found["artefacts"], dict):
                return found
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return {"artefacts": {}, "files": {}}

    def _save(self, manifest):
        self.write_text("manifest.json", json.dumps(manifest, indent=1, sort_keys=True) + "\n")

    def mark_done(self, name, key, files):
        """Records that all files of the artefact are in place."""
        manifest = self.manifest()
        manifest["artefacts"][name] = {"key": key, "files": sorted(files)}
        self._save(manifest)

    def is_fresh(self, relative, key, pinned=None):
        """Whether the file is there, whole, and made from `key`. Reads the file: bytes are believed, not timestamps."""
        entry = self.manifest()["files"].get(relative)
        path = self.path(relative)
        if not entry or entry.get("key") != key or not path.is_file() or path.stat().st_size != entry.get("bytes"):
            return False
        return sha256_file(path) == entry.get("sha256") and (pinned is None or entry["sha256"] == pinned)

    def install(self, source, relative, *, key, artefact, pinned=None, executable=False):
        """Moves the finished file `source` into place under its verified digest and records it."""
        digest = sha256_file(source)
        if pinned is not None and digest != pinned:
            bad = Path(source)
            bad.unlink()
            raise StepError(f"{artefact}: {relative}", f"sha256 is {digest}, the pinned one is {pinned}",
                            "run `make setup` again; if it repeats, what the registry or this machine produces is not what was "
                            "reviewed: do not use it")
        target = self.path(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.chmod(source, 0o755 if executable else 0o644)
        with open(source, "rb") as finished:
            os.fsync(finished.fileno())
        os.replace(source, target)
        manifest = self.manifest()
        manifest["files"][relative] = {"sha256": digest, "bytes": target.stat().st_size, "artefact": artefact, "key": key}
        self._save(manifest)

    def write_text(self, relative, text):
        target = self.path(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        with open(part, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, target)

    def work(self, name, *, fresh=False):
        """A scratch folder that survives an interruption, so that the next run goes on from it."""
        folder = self.path(f"work/{name}")
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def drop_work(self, name):
        shutil.rmtree(self.path(f"work/{name}"), ignore_errors=True)
        with contextlib.suppress(OSError):
            self.path("work").rmdir()


@contextlib.contextmanager
def disk_errors(what):
    """Turns a full disk and its kin into a StepError."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise StepError(what, f"{error.strerror}: {error.filename or 'the artefact folder'}",
                        "free about 2 GB there (or set XDG_CACHE_HOME to a folder with room) and run `make setup` again; "
                        "it goes on from here") from None
