"""The world of the end-to-end tests for other runners: prints one JSON line once it answers, ends with its standard input."""

import json
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from stack.world import World


def main():
    with tempfile.TemporaryDirectory(prefix="wye-e2e-") as folder:
        world = World(Path(folder))
        try:
            gateway = world.gateway
            print(
                json.dumps({"base": gateway.base, "v1": gateway.v1, "admin": gateway.admin, "key": gateway.key, "llama": world.llama.url}), flush=True
            )
            sys.stdin.read()
        finally:
            world.stop()


main()
