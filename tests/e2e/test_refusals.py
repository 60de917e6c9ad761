"""What Wye refuses: the whole closed table as far as a client can reach it, always in the same shape."""

import json
import socket

import pytest

from stack import http1

CHAT = "/v1/chat/completions"
ASK = [{"role": "user", "content": "Hi"}]
GOOD = {"model": "chat-local", "messages": ASK, "max_tokens": 2}


def refused(answer, status, code=None, param=...):
    assert answer.status == status, (answer.status, answer.body[:500])
    error = answer.error()
    assert error["code"] == code, error
    assert param is ... or error["param"] == param, error
    return error


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/nope",
        "/v1/chat",
        "/v1/chat/completions/",
        "/v2/chat/completions",
        "/openai/v1/nope",
        "/admin/v1/status",
        "/metrics",
        "/v1/files",
        "/v1/../v1/nope",
        "/v1/%2e%2e/models",
    ],
)
def test_unknown_path(live, path):
    answer = live.get(path)
    assert answer.status in (400, 404) and answer.error()["code"] in (None, "unknown_path")


@pytest.mark.parametrize(
    "path, method, allow",
    [
        (CHAT, "GET", "POST"),
        (CHAT, "PUT", "POST"),
        (CHAT, "DELETE", "POST"),
        ("/v1/embeddings", "GET", "POST"),
        ("/v1/responses", "GET", "POST"),
        ("/v1/completions", "PATCH", "POST"),
        ("/v1/models", "POST", "GET, HEAD"),
        ("/v1/models/chat-local", "DELETE", "GET, HEAD"),
    ],
)
def test_wrong_method(live, path, method, allow):
    answer = http1.call(live.base + path, method, None, live.headers())
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


def test_head_of_models(live):
    answer = live.get("/v1/models", method="HEAD")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
def test_wrong_content_type(live, content_type):
    refused(live.post(CHAT, json.dumps(GOOD).encode(), headers={"Content-Type": content_type}), 415, "unsupported_media_type")


def test_content_type_with_parameters(live):
    assert live.post(CHAT, GOOD, headers={"Content-Type": "Application/JSON; charset=utf-8"}).status == 200


def test_too_large(live):
    """The length alone is enough: the answer comes before 33 MiB were sent."""
    size = 33 << 20
    with http1.connect(live.base, 20) as connection:
        head = http1.request_bytes(live.base + CHAT, b"", live.headers()).replace(b"Content-Length: 0", b"Content-Length: %d" % size)
        connection.sendall(head)
        text = connection.recv(65536)
        assert text.startswith(b"HTTP/1.1 413 "), text[:200]
    sent = json.dumps({**GOOD, "x": "y" * size}).encode()
    try:
        refused(live.post(CHAT, sent), 413, "request_too_large")
    except (BrokenPipeError, ConnectionResetError):
        pass  # it hung up on the rest, as it may


def test_too_large_in_chunks(live):
    """Nothing announces the size: the bytes are counted."""
    with http1.connect(live.base, 60) as connection:
        head = http1.request_bytes(live.base + CHAT, b"", live.headers()).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(head)
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(40):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answered = connection.recv(65536)
        except ConnectionResetError:
            answered = b""
        assert answered == b"" or answered.startswith(b"HTTP/1.1 413 "), answered[:200]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{'a':1}",
        b'{"model":"chat-local",}',
        b"\xff\xfe",
        b'{"a":"\xc3\x28"}',
        b'{"model":"chat-local","model":"chat-managed","messages":[{"role":"user","content":"Hi"}]}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b'{"model":"chat-local","messages":[{"role":"user","content":"\\ud800"}]}',
    ],
)
def test_malformed_json(live, body):
    refused(live.post(CHAT, body), 400)


@pytest.mark.parametrize(
    "change, param",
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "user"}]}, ...),
        ({"messages": [{"content": "Hi"}]}, ...),
        ({"messages": [{"role": "nobody", "content": "Hi"}]}, ...),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"logit_bias": {"1": 101}}, ...),
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"tools": {}}, "tools"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}]}]}, ...),
        ({"messages": [{"role": "user", "content": [{"type": "fetch_it", "url": "http://127.0.0.1/"}]}]}, ...),
        ({"web_search_options": {}}, ...),
    ],
)
def test_wrong_fields(live, change, param):
    answer = live.post(CHAT, {**GOOD, **change})
    assert answer.status == 400, answer.body
    error = answer.error()
    assert error["type"] == "invalid_request_error" and (param is ... or error["param"] == param), error


@pytest.mark.parametrize("absent", ["model", "messages"])
def test_missing_fields(live, absent):
    refused(live.post(CHAT, {name: value for name, value in GOOD.items() if name != absent}), 400, None, absent)


def test_unknown_model(live):
    refused(live.post(CHAT, {**GOOD, "model": "nope"}), 404, "model_not_found")


def test_unknown_field_where_the_route_refuses_it(gateway):
    refused(gateway.chat("chat-strict", x_own=1), 400, "unknown_parameter", "x_own")
    assert gateway.chat("chat-strict").status == 200


def test_wrong_host(live):
    refused(live.post(CHAT, GOOD, headers={"Host": "evil.example.com"}), 421, "wrong_host")


def raw(live, head):
    with http1.connect(live.base, 20) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    "lines, status",
    [
        ("GET /v1/models HTTP/1.1", 400),
        ("GET /v1/models HTTP/2.0\r\nHost: localhost", 505),
        ("GET /v1/models", 400),
        ("\x16\x03\x01\x02", 400),
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400),
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2", 400),
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1", 400),
        ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip", 501),
        ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Bad: a\x00b", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Bad : a", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "a" * 70000, 431),
    ],
)
def test_broken_framing(live, lines, status):
    answer = raw(live, lines.encode("latin-1") + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert set(error) == {"message", "type", "param", "code"}


def test_answers_to_an_unknown_and_a_forbidden_model_are_alike(gateway, world):
    """A tenant must not learn which models others have."""
    from stack.gateway import create_key
    from stack.running_program import until

    key, _ = create_key(gateway.data, "local", "--route", "embed-*")
    until(lambda: gateway.get("/v1/models", key).status == 200, 10, "the new key works")
    assert [model["id"] for model in gateway.get("/v1/models", key).json()["data"]] == ["embed-local"]
    for make in (lambda name: gateway.chat(name, key=key), lambda name: gateway.get(f"/v1/models/{name}", key)):
        known, unknown = make("chat-local"), make("chat-nope")
        assert (known.status, known.body) == (unknown.status, unknown.body)
        refused(known, 404, "model_not_found")


def test_data_class_is_enforced(gateway):
    """The Routes are `internal`, this tenant may see `public` only."""
    from stack.gateway import create_key
    from stack.running_program import until

    key, _ = create_key(gateway.data, "stranger")
    until(lambda: gateway.get("/v1/models", key).status == 200, 10, "the new key works")
    answer = gateway.chat("chat-local", key=key)
    assert answer.status == 403 and answer.error()["code"] == "data_class_forbidden"
