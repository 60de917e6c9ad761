"""Fixtures of the end-to-end tests. Everything is started once a session, on free ports, and ended by its id."""
import os
import sys
from pathlib import Path

import openai
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from stack.gateway import Up
from stack.world import World

CUSTOM, MANAGED = "chat-local", "chat-managed"
CLIENT_SECONDS = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: a minute under load")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """`wye gateway` with every part behind it."""
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.stop()


@pytest.fixture(scope="session")
def gateway(world):
    return world.gateway


@pytest.fixture(scope="session")
def up(tmp_path_factory):
    """`wye up` with the configuration it writes itself."""
    up = Up(tmp_path_factory.mktemp("up"))
    try:
        up.start()
        yield up
    finally:
        if up.process is not None and up.process.alive():
            up.stop()


# WYE_E2E_LIVE: only one of the two, for a shorter round while developing.
@pytest.fixture(scope="session", params=os.environ.get("WYE_E2E_LIVE", "gateway up").split())
def live(request):
    """Each way to run Wye; the names of their Routes are the same."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=[CUSTOM, MANAGED])
def model(request):
    """A Route of each path."""
    return request.param


@pytest.fixture(scope="session")
def client(live):
    """The official client, with its retries off: what is seen is what Wye answered."""
    with openai.OpenAI(base_url=live.v1, api_key=live.key, max_retries=0, timeout=CLIENT_SECONDS) as client:
        yield client
