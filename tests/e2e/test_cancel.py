"""A client that leaves: the upstream connection is closed, the slot of the model is idle."""

import socket
import struct
import time

import openai
import pytest

from stack import http1
from stack.running_program import until

SLOT_IDLE_SECONDS = 0.5
# What a look at /slots itself may take on a busy machine.
LOOK_SECONDS = 0.3
LONG = {
    "model": "chat-local",
    "messages": [{"role": "user", "content": "Tell a very long story about a whale."}],
    "max_tokens": 1500,
    "ignore_eos": True,
}


def idle_after(world):
    """Seconds until no slot is busy."""
    begin = time.monotonic()
    until(lambda: world.llama.busy_slots() == 0, 20, "an idle slot", every=0.01)
    return time.monotonic() - begin


def start_raw(world, body):
    connection = http1.connect(world.gateway.base)
    connection.sendall(http1.request_bytes(f"{world.gateway.v1}/chat/completions", body, world.gateway.headers()))
    until(lambda: world.llama.busy_slots() > 0, 20, "a busy slot")
    return connection


def decoding(world):
    """Past prefill: some tokens were made."""
    time.sleep(1.0)


def outcomes(gateway):
    return [line["outcome"] for line in gateway.lines() if "outcome" in line]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_leaving(world, how):
    idle_after(world)
    before = outcomes(world.gateway).count("client_gone")
    connection = start_raw(world, {**LONG, "stream": True})
    decoding(world)
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert idle_after(world) <= SLOT_IDLE_SECONDS + LOOK_SECONDS
    until(lambda: outcomes(world.gateway).count("client_gone") == before + 1, 5, "outcome client_gone in the log")


def test_the_official_client_closes_its_stream(world):
    idle_after(world)
    with openai.OpenAI(base_url=world.gateway.v1, api_key=world.gateway.key, max_retries=0) as client:
        stream = client.chat.completions.create(
            **{name: value for name, value in LONG.items() if name != "ignore_eos"}, stream=True, extra_body={"ignore_eos": True}
        )
        for _, _chunk in zip(range(5), stream):
            pass
        stream.close()
        assert idle_after(world) <= SLOT_IDLE_SECONDS + LOOK_SECONDS


def connections_to(port):
    """Established TCP connections of this machine to a port on loopback."""
    with open("/proc/net/tcp") as file:
        return sum(f" 0100007F:{port:04X} 01 " in line for line in file)


@pytest.mark.parametrize("stream", [False, True])
def test_the_upstream_connection_is_closed(world, stream):
    """The slow upstream answers after two seconds; the client has left long before."""
    port = int(world.slow.url.rpartition(":")[2])
    connection = http1.connect(world.gateway.base)
    connection.sendall(
        http1.request_bytes(f"{world.gateway.v1}/chat/completions", {**LONG, "model": "slow", "stream": stream}, world.gateway.headers())
    )
    until(lambda: connections_to(port) == 1, 5, "a connection to the upstream", every=0.005)
    time.sleep(0.2)
    connection.close()
    begin = time.monotonic()
    until(lambda: connections_to(port) == 0, 1.5, "no connection to the upstream", every=0.005)
    assert time.monotonic() - begin <= 0.1 + LOOK_SECONDS


def test_the_official_client_times_out(world):
    before = outcomes(world.gateway).count("client_gone")
    with openai.OpenAI(base_url=world.gateway.v1, api_key=world.gateway.key, max_retries=0, timeout=0.7) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="slow", messages=LONG["messages"])
    until(lambda: outcomes(world.gateway).count("client_gone") == before + 1, 5, "outcome client_gone in the log")


def test_a_cut_stream_is_metered_and_logged_as_gone(world):
    idle_after(world)
    connection = start_raw(world, {**LONG, "stream": True})
    head = b""
    while b"data:" not in head:
        head += connection.recv(4096)
    decoding(world)
    connection.close()
    request_id = next(line.split(b":", 1)[1].strip().decode() for line in head.split(b"\r\n") if line.lower().startswith(b"x-request-id"))
    record = world.gateway.access(request_id)
    assert record["outcome"] == "client_gone" and record["status"] == 200
    assert record["completion_tokens"] > 0 and record["usage_source"] in ("counted", "estimated")


def test_first_byte_is_forwarded_at_once(world):
    """The stub sends its first chunk after 300 ms and its last two seconds later."""
    begin = time.monotonic()
    connection = http1.connect(world.gateway.base)
    connection.sendall(
        http1.request_bytes(
            f"{world.gateway.v1}/chat/completions", {"model": "stub", "messages": LONG["messages"], "stream": True}, world.gateway.headers()
        )
    )
    first = whole = None
    text = b""
    while b"data: [DONE]" not in text:
        piece = connection.recv(65536)
        assert piece, text[-300:]
        text += piece
        if first is None and b"data:" in text:
            first = time.monotonic() - begin
    whole = time.monotonic() - begin
    connection.close()
    assert first < 1.2 and whole > first + 1.0, (first, whole)
