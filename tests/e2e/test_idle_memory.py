"""What a connection costs that has had its answer and waits: most connections of a gateway do."""

import json
import resource
import socket

import pytest

from stack import config, http1
from stack.gateway import Gateway
from stack.programs import is_instrumented
from stack.world import Stub

CONNECTIONS = 5000
BYTES_MAX = 4096


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


@pytest.mark.skipif(is_instrumented(), reason="a sanitizer build has another allocator")
def test_an_idle_connection_holds_no_buffers(tmp_path, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this user may open {hard} files, {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    stub = Stub(tmp_path)
    gateway = Gateway(tmp_path, threads=1)
    documents = [config.edge(), config.tenant("local"), config.server("stub", stub.url, "bench", "chat", 32768)]
    config.write(gateway.config, [*documents, config.route("stub", "backend: stub", operations="chat")])
    gateway.start()
    body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
    request = http1.request_bytes(f"{gateway.v1}/chat/completions", body, gateway.headers())
    connections = []
    try:
        for i in range(CONNECTIONS + 200):
            if i == 200:  # pools, parsers and arenas are warm
                before = resident(gateway.process.pid)
            connection = socket.create_connection(("127.0.0.1", int(gateway.base.rpartition(":")[2])), timeout=10)
            connections.append(connection)
            connection.sendall(request)
            head = connection.recv(65536)
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
        grown = (resident(gateway.process.pid) - before) / CONNECTIONS
        with capsys.disabled():
            print(f"\nidle connections: {grown / 1024:.2f} KiB each, of {CONNECTIONS} after one request each")
        assert grown <= BYTES_MAX
    finally:
        for connection in connections:
            connection.close()
        gateway.stop()
        stub.process.stop(20)
