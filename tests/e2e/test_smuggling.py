"""Request smuggling: requests that two parsers could read in two ways, as bytes, to Wye alone and to Wye behind real proxies.

What must hold however a proxy reads a row: Wye sees no more requests than the client got answers, and never the hidden one. Where Wye's
verdict differs from a proxy's own, the row says why; the whole table is printed with `pytest -s`. Source: RFC 9112 §2.2, §3, §5, §6, §7,
§11.2; RFC 9110 §5.5, §7.2, §15.5.
"""

import json
import re
import shutil
import socket

import pytest

from stack import config
from stack.gateway import Gateway
from stack.running_program import Program, free_port, until
from stack.world import Stub

BODY = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n\r\n"
QUIET = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
QUIET_SECONDS = 0.4  # of silence after which no more answers are awaited
STRICT = "the proxy mends or ignores what Wye refuses: RFC 9112 lets a server refuse it"
DRAINS = "the proxy answers by itself"
UNSURE = "both refuse; the status is each one's own"


def post(lines, body, version=b"HTTP/1.1"):
    head = b"POST /v1/chat/completions %s\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n%s\r\n\r\n"
    return head % (version, lines) + body


def length(n=len(BODY)):
    return b"Content-Length: %d" % n


TE = b"Transfer-Encoding: chunked"
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n"
# name, bytes, Wye's verdict. A verdict is the statuses in order; `-` where the connection stays silent.
ROWS = [
    ("plain", post(length(), BODY), "200"),
    ("chunked", post(TE, CHUNKED), "200"),
    ("two in a row", post(length(), BODY) + post(length(), BODY), "200 200"),
    ("length and chunked", post(length(4) + b"\r\n" + TE, b"0\r\n\r\n" + HIDDEN), "400"),
    ("chunked and length", post(TE + b"\r\n" + length(6), b"0\r\n\r\n" + HIDDEN), "400"),
    ("length twice, equal", post(length() + b"\r\n" + length(), BODY), "400"),
    ("length twice, unequal", post(length() + b"\r\n" + length(0), BODY + HIDDEN), "400"),
    ("length list", post(b"Content-Length: %d, %d" % (len(BODY), len(BODY)), BODY), "400"),
    ("length +", post(b"Content-Length: +%d" % len(BODY), BODY), "400"),
    ("length hex", post(b"Content-Length: 0x10", BODY + HIDDEN), "400"),
    ("length blank inside", post(b"Content-Length: 1 0", BODY), "400"),
    ("length leading zeros", post(b"Content-Length: 000%d" % len(BODY), BODY), "200"),
    ("length over 2^64", post(b"Content-Length: 18446744073709551617", BODY), "400"),
    ("length empty", post(b"Content-Length:", HIDDEN), "400"),
    ("length negative", post(b"Content-Length: -1", HIDDEN), "400"),
    ("blank before colon, length", post(b"Content-Length : %d" % len(BODY), BODY), "400"),
    ("blank before colon, chunked", post(b"Transfer-Encoding : chunked\r\n" + length(5), b"0\r\n\r\n" + HIDDEN), "400"),
    ("tab before chunked", post(b"Transfer-Encoding:\tchunked", CHUNKED), "400"),
    ("vertical tab before chunked", post(b"Transfer-Encoding: \x0bchunked\r\n" + length(5), b"0\r\n\r\n" + HIDDEN), "400"),
    ("xchunked", post(b"Transfer-Encoding: xchunked\r\n" + length(5), b"0\r\n\r\n" + HIDDEN), "400"),
    ("chunked twice", post(TE + b"\r\n" + TE, CHUNKED), "400"),
    ("chunked, identity", post(b"Transfer-Encoding: chunked, identity", CHUNKED), "400"),
    ("identity", post(b"Transfer-Encoding: identity\r\n" + length(), BODY), "400"),
    ("quoted chunked", post(b'Transfer-Encoding: "chunked"\r\n' + length(5), b"0\r\n\r\n" + HIDDEN), "400"),
    ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", CHUNKED), "400"),
    ("underscore", post(b"Transfer_Encoding: chunked\r\n" + length(), BODY), "400"),
    ("folded chunked", post(b"Transfer-Encoding:\r\n chunked", CHUNKED), "400"),
    ("folded length", post(b"X: a\r\n Content-Length: 0\r\n" + length(), BODY), "400"),
    ("chunked in HTTP/1.0", post(TE, CHUNKED, b"HTTP/1.0"), "400"),
    ("bare LF ends a field", post(b"X: a\n" + length(), BODY), "400"),
    ("bare LF ends the head", post(length(), BODY).replace(b"\r\n\r\n", b"\n\n", 1), "400"),
    ("bare CR in a value", post(b"X: a\rContent-Length: 0\r\n" + length(), BODY), "400"),
    ("NUL in a value", post(b"X: a\0b\r\n" + length(), BODY), "400"),
    ("chunk size with LF", post(TE, b"%x\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("chunk size 0x", post(TE, b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("chunk size +", post(TE, b"+%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("chunk size that overflows", post(TE, b"10000000000000000%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) + HIDDEN), "400"),
    ("chunk size of blanks", post(TE, b" %x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("chunk longer than it says", post(TE, b"%x\r\n%sxx0\r\n\r\n" % (len(BODY), BODY) + HIDDEN), "400"),
    ("chunk extension", post(TE, b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "200"),
    ("LF in a chunk extension", post(TE, b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("trailer that frames", post(TE, b"%x\r\n%s\r\n0\r\nContent-Length: 100\r\n\r\n" % (len(BODY), BODY)), "200"),
    ("trailer that hides", post(TE, b"%x\r\n%s\r\n0\r\nX: a\nGET /hidden HTTP/1.1\r\n\r\n" % (len(BODY), BODY)), "400"),
    ("GET with a body", GET + b"%s\r\n\r\n%s" % (length(len(QUIET)), QUIET), "400"),
    ("host twice", b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: b\r\nAuthorization: Bearer KEY\r\n\r\n", "400"),
    ("no host", b"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer KEY\r\n\r\n", "400"),
    ("absolute form, other host", b"GET http://b/v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n\r\n", None),
    ("blank line first", b"\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n\r\n", "400"),
    ("HTTP/0.9", b"GET /v1/models\r\n\r\n", "400"),
    ("two versions", b"GET /v1/models HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n\r\n", "400"),
    ("connection names a credential", post(b"Connection: authorization\r\n" + length(), BODY), "400"),
    ("expect something else", post(b"Expect: 200-ok\r\n" + length(), BODY), None),
    ("upgrade offered", post(b"Connection: upgrade\r\nUpgrade: h2c\r\n" + length(), BODY), "200"),
]


def verdict(port, data):
    """The statuses of all answers, by their framing."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.settimeout(QUIET_SECONDS)
        heard = b""
        try:
            while piece := connection.recv(65536):
                heard += piece
        except (TimeoutError, ConnectionResetError):
            pass
    statuses = []
    while match := re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n(.*?\r\n)?\r\n", heard, re.S):
        rest, head = heard[match.end() :], (match[2] or b"").lower()
        if match[1] != b"100":
            statuses.append(match[1].decode())
        size = re.search(rb"content-length:[ \t]*(\d+)", head)
        if b"chunked" in head:
            end = rest.find(b"0\r\n\r\n")
            rest = rest[end + 5 :] if end >= 0 else b""
        elif size:
            rest = rest[int(size[1]) :]
        else:
            rest = b"" if match[1] != b"100" else rest
        heard = rest
    if heard:
        statuses.append("0.9")  # a body without a head
    return " ".join(statuses) or "-"


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream wye {{ server 127.0.0.1:{wye}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off;
    location / {{ proxy_pass http://wye; }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  http-reuse always
frontend in
  bind 127.0.0.1:{port}
  default_backend wye
backend wye
  server wye 127.0.0.1:{wye}
"""


class Fronts:
    """Wye before bench's stub, and each proxy that this machine has before Wye."""

    def __init__(self, folder):
        self.started = []
        stub = Stub(folder)
        self.started.append(stub.process)
        self.gateway = Gateway(folder, threads=1)
        config.write(
            self.gateway.config,
            [
                config.edge(),
                config.tenant("local"),
                config.server("stub", stub.url, "bench", "chat", 32768),
                config.route("stub", "backend: stub", operations="chat"),
            ],
        )
        self.gateway.start()
        self.started.append(self.gateway.process)
        self.ports = {"wye": int(self.gateway.base.rpartition(":")[2])}
        for name, text, command in (
            ("nginx", NGINX, lambda binary, file: [binary, "-e", folder / "nginx-error.log", "-c", file]),
            ("haproxy", HAPROXY, lambda binary, file: [binary, "-f", file]),
        ):
            binary = shutil.which(name) or shutil.which(name, path="/usr/sbin")
            if binary:
                self._start(folder, name, text, command, binary)

    def _start(self, folder, name, text, command, binary):
        port = free_port()
        file = folder / f"{name}.conf"
        file.write_text(text.format(folder=folder, port=port, wye=self.ports["wye"]))
        process = Program(command(binary, file), folder / f"{name}.log")
        self.started.append(process)
        self.ports[name] = port
        until(lambda: answers(port), 10, f"{name} listens")

    def stop(self):
        for process in reversed(self.started):
            process.stop(20)

    def seen(self):
        """How many requests Wye has answered."""
        return int(self.gateway.metric("wye_requests_total"))


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def fronts(tmp_path_factory):
    fronts = Fronts(tmp_path_factory.mktemp("fronts"))
    yield fronts
    fronts.stop()


@pytest.mark.parametrize("front", ["nginx", "haproxy"])
def test_no_proxy_reads_a_request_that_wye_reads_otherwise(fronts, front):
    if front not in fronts.ports:
        pytest.skip(f"{front} is not on this machine: `tools/wye-dev setup --bench` installs it")
    lines, wrong = [], []
    for name, data, _ in ROWS:
        data = data.replace(b"KEY", fronts.gateway.key.encode())
        alone = verdict(fronts.ports["wye"], data)
        before = fronts.seen()
        behind = verdict(fronts.ports[front], data)
        reached = fronts.seen() - before
        got = 0 if behind == "-" else len(behind.split())
        lines.append((name, alone, behind, reached, reason_of(alone, behind, reached)))
        if reached > got:
            wrong.append(f"{name}: Wye saw {reached} requests, the client got {got} answers")
        if "404" in alone or "404" in behind:
            wrong.append(f"{name}: the hidden request was answered: alone {alone}, behind {front} {behind}")
        if not lines[-1][4]:
            wrong.append(f"{name}: nobody has explained why alone is {alone} and behind {front} is {behind}")
    print(f"\n{'row':<32} {'Wye':<10} {front:<10} reached  why")
    for name, alone, behind, reached, why in lines:
        print(f"{name:<32} {alone:<10} {behind:<10} {reached:<8} {why}")
    assert not wrong, "\n".join(wrong)


def reason_of(alone, behind, reached):
    """Why two verdicts may differ; empty: they may not."""
    if alone == behind:
        return "same"
    if alone[0] == "4" and set(behind.split()) == {alone}:
        return "the proxy refuses what follows, too"
    first, second = alone.split()[0], behind.split()[0]
    if first.startswith("2") and second.startswith("2"):
        return ""  # both take it and disagree on how many requests it is
    if first[0] == "4" and second[0] in "45":
        return UNSURE if reached else DRAINS + "; " + UNSURE
    if first[0] == "4" and second[0] == "2":
        return STRICT
    if first[0] == "4" and second in ("-", "0.9"):
        return "the proxy closes or answers without a head; Wye refuses with one"
    if first[0] == "2" and second[0] in "45":
        return DRAINS + ": it is the stricter of the two"
    return ""


@pytest.mark.parametrize("name,data,expected", [row for row in ROWS if row[2]], ids=[row[0] for row in ROWS if row[2]])
def test_what_wye_alone_says(fronts, name, data, expected):
    assert verdict(fronts.ports["wye"], data.replace(b"KEY", fronts.gateway.key.encode())) == expected
