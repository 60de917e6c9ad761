"""Keys, reload, metrics and logs of a running instance."""

import json
import threading

import pytest

from stack import config
from stack.gateway import Gateway, create_key, metric_samples, wye
from stack.running_program import until

CANARY = "zanzibar-canary-4711"
KEY_SECONDS = 5
RELOAD_SECONDS = 10


def status_of(gateway, key):
    return gateway.get("/v1/models", key).status


def test_a_key_begins_and_ends(gateway):
    key, key_id = create_key(gateway.data, "local", "--expires", "1h")
    until(lambda: status_of(gateway, key) == 200, KEY_SECONDS, "the new key works")
    listed = json.loads(wye("keys", "list", "-o", "json", data=gateway.data).stdout)
    assert next(record for record in listed if record["id"] == key_id)["state"] == "live"
    assert key not in json.dumps(listed)
    assert wye("keys", "revoke", key_id, data=gateway.data).returncode == 0
    until(lambda: status_of(gateway, key) == 401, KEY_SECONDS, "the revoked key is refused")
    listed = json.loads(wye("keys", "list", "-o", "json", data=gateway.data).stdout)
    assert next(record for record in listed if record["id"] == key_id)["state"] == "revoked"


def test_a_key_expires(gateway):
    key, _ = create_key(gateway.data, "local", "--expires", "4s")
    until(lambda: status_of(gateway, key) == 200, KEY_SECONDS, "the new key works")
    until(lambda: status_of(gateway, key) == 401, 10, "the expired key is refused")


@pytest.mark.parametrize(
    "arguments",
    [["keys", "create"], ["keys", "revoke", "nope"], ["keys", "create", "--tenant", "local", "--expires", "soon"], ["nope"], [], ["gateway"]],
)
def test_usage_errors(gateway, arguments):
    made = wye(*arguments, data=gateway.data)
    assert made.returncode == 2, (made.returncode, made.stderr)
    assert made.stdout == "" and made.stderr


def test_a_lifetime_out_of_range(gateway):
    made = wye("keys", "create", "--tenant", "local", "--expires", "9999d", data=gateway.data)
    assert made.returncode == 2 and "365" in made.stderr and made.stdout == ""


METRICS = [
    "wye_requests_total",
    "wye_in_flight",
    "wye_overhead_seconds_count",
    "wye_tokens_total",
    "wye_attempts_total",
    "wye_auth_failures_total",
    "wye_target_state",
    "wye_config_info",
    "wye_config_refused_total",
    "wye_dropped_total",
    "wye_build_info",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "gen_ai_server_request_duration_seconds_count",
    "gen_ai_server_time_to_first_token_seconds_count",
    "gen_ai_server_time_per_output_token_seconds_count",
    "gen_ai_client_operation_duration_seconds_count",
    "gen_ai_client_token_usage",
]


def test_metrics_have_their_names_and_count(gateway):
    gateway.chat("chat-local", stream=True)
    gateway.get("/v1/models", "wrong")
    samples = metric_samples(gateway.metrics())
    assert [name for name in METRICS if name not in samples] == []

    def counted():
        labels = 'route="chat-local"', 'operation="chat"', 'code="200"'
        return (
            gateway.metric("wye_requests_total", *labels),
            gateway.metric("wye_tokens_total", 'route="chat-local"', 'type="completion"'),
            gateway.metric("gen_ai_server_time_to_first_token_seconds_count", 'gen_ai_request_model="chat-local"'),
        )

    before = counted()
    used = gateway.chat("chat-local").json()["usage"]["completion_tokens"]
    gateway.chat("chat-local", stream=True, max_tokens=1)
    until(lambda: counted() == (before[0] + 2, before[1] + used + 1, before[2] + 1), 5, f"two requests more than {before}, {used + 1} tokens")
    until(lambda: gateway.metric("wye_in_flight") == 0, 5, "nothing in flight")


def test_health_and_what_admin_does_not_serve(gateway):
    from stack import http1

    assert http1.call(f"{gateway.admin}/livez").status == 200 and http1.call(f"{gateway.admin}/readyz").status == 200
    assert http1.call(f"{gateway.admin}/admin/v1/status").status == 401, "without a credential only on the local socket"
    assert http1.call(f"{gateway.admin}/v1/models").status == 404
    assert http1.call(f"{gateway.admin}/livez", "POST", b"").status == 405


FIELDS = {
    "time": str,
    "request_id": str,
    "listener": str,
    "peer": str,
    "method": str,
    "operation": str,
    "action": str,
    "stream": bool,
    "tenant": str,
    "principal": str,
    "principal_kind": str,
    "key_id": str,
    "alias": str,
    "target": str,
    "path": str,
    "data_class": str,
    "status": int,
    "outcome": str,
    "attempts": int,
    "prompt_tokens": int,
    "cached_tokens": int,
    "completion_tokens": int,
    "usage_source": str,
    "bytes_in": int,
    "bytes_out": int,
    "auth_us": int,
    "decide_us": int,
    "connect_ms": int,
    "ttft_ms": int,
    "upstream_ms": int,
    "total_ms": int,
    "overhead_us": int,
    "config": str,
}


def test_access_record(gateway):
    answer = gateway.chat("chat-managed", stream=True)
    record = gateway.access(answer.headers["x-request-id"])
    assert [name for name in FIELDS if name not in record] == []
    assert [name for name, kind in FIELDS.items() if type(record[name]) is not kind] == []
    assert record["events_out"] > 0 and record["upstream_request_id"] and record["region"] == "swedencentral"
    assert (record["alias"], record["target"], record["path"], record["status"], record["outcome"]) == (
        "chat-managed",
        "backend/azure",
        "managed",
        200,
        "complete",
    )
    assert record["total_ms"] >= record["ttft_ms"] and record["principal"] == f"key:{record['key_id']}"


def test_no_content_and_no_secret_in_logs_and_metrics(gateway):
    body = {
        "model": "chat-local",
        "max_tokens": 8,
        "messages": [{"role": "system", "content": CANARY}, {"role": "user", "content": CANARY, "name": CANARY}],
        "user": CANARY,
        "metadata": {"k": CANARY},
        "x_own": CANARY,
    }
    headers = {"x-own": CANARY, "User-Agent": CANARY, "OpenAI-Project": CANARY, "Referer": CANARY, "x-request-id": CANARY}
    calls = [
        gateway.post("/v1/chat/completions", {**body, **more}, headers=headers)
        for more in (
            {},
            {"stream": True},
            {"model": "chat-managed"},
            {"model": "chat-gone"},
            {"model": CANARY},
            {"temperature": CANARY},
            {CANARY: {"a": CANARY}},
        )
    ]
    calls.append(gateway.post("/v1/chat/completions", ('{"model": "' + CANARY).encode(), headers=headers))
    calls.append(gateway.get(f"/v1/models/{CANARY}?{CANARY}={CANARY}"))
    calls.append(gateway.get(f"/{CANARY}"))
    calls.append(gateway.get("/v1/models", CANARY))
    calls.append(gateway.post("/v1/embeddings", {"model": "embed-local", "input": CANARY}))
    calls.append(gateway.post("/v1/responses", {"model": "chat-local", "input": CANARY, "max_output_tokens": 16}))
    for answer in calls:
        gateway.access(answer.headers["x-request-id"])
        assert answer.headers["x-request-id"] != CANARY
    said = gateway.log.read_text() + gateway.process.errors() + gateway.metrics()
    kept = [line for line in said.splitlines() if CANARY in line]
    # The alias that a caller asked for may be named once it is known to be a Route; an unknown one is content.
    assert kept == []
    assert gateway.key not in said


def test_log_lines_are_objects_with_a_time(gateway):
    assert all("time" in line and ("event" in line or "request_id" in line) for line in gateway.lines())


def test_check_judges_by_every_gateway(tmp_path):
    """The Route fits the first Gateway and is too long for the second."""
    def gateway(name, total):
        return config.edge(extra=[f"limits: {{total: {total}}}"]).replace("name: edge", f"name: {name}")
    documents = [
        config.tenant("local"),
        config.server("b", "http://127.0.0.1:9", "m"),
        config.route("r", "backend: b", extra=["deadlines: {firstEvent: 30s, idle: 30s, total: 300s}"]),
    ]
    config.write(tmp_path / "good", [gateway("one", "600s"), gateway("two", "600s"), *documents])
    good = wye("check", tmp_path / "good")
    assert good.returncode == 0 and good.stdout.startswith("ok: "), good.stderr
    config.write(tmp_path / "bad", [gateway("one", "600s"), gateway("two", "60s"), *documents])
    bad = wye("check", tmp_path / "bad")
    assert bad.returncode == 1 and "spec.deadlines.total" in bad.stderr and not bad.stdout, (bad.stdout, bad.stderr)


# ---- reload: an instance of its own, because its configuration breaks


@pytest.fixture(scope="module")
def second(world, tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("second"))
    config.write(gateway.config, world.documents())
    gateway.start()
    yield gateway
    gateway.stop()


def digest(gateway):
    """Labels of the one series that is 1, at any moment of a reload."""
    (served,) = [labels for labels, value in metric_samples(gateway.metrics())["wye_config_info"] if value == 1]
    return served


class Load:
    """Requests without pause from some threads until left; each must be answered 200 and whole."""

    def __init__(self, gateway, threads=4):
        self.gateway, self.end, self.counts, self.wrong = gateway, threading.Event(), [], []
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,), daemon=True) for i in range(threads)]

    def run(self, stream):
        while not self.end.is_set():
            try:
                answer = self.gateway.chat("stub", stream=stream)
                whole = answer.body.rstrip().endswith(b"data: [DONE]") if stream else answer.json()["object"] == "chat.completion"
                if answer.status != 200 or not whole:
                    self.wrong.append((answer.status, answer.body[-300:]))
            except Exception as error:  # whatever it is, it is a lost request
                self.wrong.append(repr(error))
            self.counts.append(1)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join(30)


def test_a_valid_change_under_load_loses_nothing(world, second):
    with Load(second) as load:
        for round in range(3):
            before = digest(second)
            config.write(second.config, world.documents([config.route(f"fresh-{round}", "backend: stub")]))
            until(lambda: digest(second) != before, RELOAD_SECONDS, "the new digest")
            until(lambda: second.get(f"/v1/models/fresh-{round}").status == 200, RELOAD_SECONDS, "the new Route")
            assert round == 0 or second.get(f"/v1/models/fresh-{round - 1}").status == 404
        until(lambda: len(load.counts) >= 8, 60, "some requests went through")
    assert load.wrong == []


def test_requests_in_flight_keep_their_configuration(world, second):
    """The Route goes while it streams: the stream ends well, the next request finds it gone."""
    config.write(second.config, world.documents([config.route("leaving", "backend: stub")]))
    until(lambda: second.get("/v1/models/leaving").status == 200, RELOAD_SECONDS, "the Route")
    got = []
    thread = threading.Thread(target=lambda: got.append(second.chat("leaving", stream=True)))
    thread.start()
    until(lambda: second.metric("wye_in_flight", 'route="leaving"') == 1, 5, "the stream is under way")
    config.write(second.config, world.documents())
    until(lambda: second.get("/v1/models/leaving").status == 404, RELOAD_SECONDS, "the Route is gone")
    thread.join(30)
    assert got[0].status == 200 and got[0].body.rstrip().endswith(b"[DONE]")


def test_an_invalid_change_is_refused_and_the_old_one_goes_on(world, second):
    before, refused = digest(second), second.metric("wye_config_refused_total")
    with Load(second, 2) as load:
        config.write(second.config, world.documents([config.route("broken", "backend: no-such-backend")]))
        until(lambda: second.metric("wye_config_refused_total") > refused, RELOAD_SECONDS, "the refusal is counted")
        assert digest(second) == before and second.chat("stub").status == 200
    assert load.wrong == []
    finding = next(line for line in reversed(second.lines()) if line.get("event") == "config.refused")
    assert "no-such-backend" in json.dumps(finding) and "wye.yaml:" in json.dumps(finding)
    config.write(second.config, world.documents([config.route("mended", "backend: stub")]))
    until(lambda: second.get("/v1/models/mended").status == 200, RELOAD_SECONDS, "the mended configuration")
