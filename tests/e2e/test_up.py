"""The laptop: `wye up` from nothing to its end, and the commands around it."""

import json
import os
import signal
import socket
import stat
import threading
import time

import openai
import pytest

from stack import config, http1
from stack.gateway import Up, environment, wye
from stack.running_program import TICK_SECONDS, Program, Work, descendants_of, is_running, until
from stack.programs import artefact, program
from stack.world import CHAT_DIGEST, CHAT_MODEL

DETACH_SECONDS = 240


@pytest.fixture
def fresh(tmp_path):
    """An instance of one test; whatever happens, nothing of it stays."""
    up = Up(tmp_path)
    yield up
    if up.process is not None and up.process.alive():
        try:
            up.process.stop(60)
        except TimeoutError:
            pass


def chats(up, model="chat-local"):
    return up.chat(model).status == 200


def run(up, *more):
    return wye("up", "--data", up.data, *(more or ("--port", 0, "--admin-port", 0)))


def small(up, *documents, models=()):
    """A configuration without simulator: `models`, and Routes named like them."""
    up.config = up.folder / "config"
    listeners = [config.edge().replace("accessLog: {to: stdout}", "accessLog: {to: file}"), config.tenant("local")]
    config.write(up.config, [*listeners, *models, *documents])


def test_default_configuration_and_files(up):
    names = sorted(path.name for path in (up.data / "config").iterdir())
    assert names == ["azure.yaml", "edge.yaml", "models.yaml", "routes.yaml"]
    assert wye("check", up.data / "config").returncode in (0, 1), "the simulator's endpoint is for `wye up` alone"
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700 and stat.S_IMODE((up.data / "secrets").stat().st_mode) == 0o700
    for secret in (up.data / "secrets").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret
    assert up.instance["pid"] == up.process.pid and up.instance["version"]
    assert stat.S_IMODE((up.data / "run/admin.sock").stat().st_mode) & 0o077 == 0


def test_environment_is_all_a_program_needs(up):
    """The official clients read their variables; nothing else is given."""
    assert {"OPENAI_BASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "WYE_ADMIN_URL", "WYE_DATA"} <= set(up.variables)
    code = (
        "import openai; print(openai.OpenAI().chat.completions.create(model='chat-local', messages=[{'role': 'user', 'content': 'Hi'}], max_tokens=4)"
        ".choices[0].message.content is not None); "
        "print(openai.AzureOpenAI(api_version='2024-10-21').chat.completions.create("
        "model='chat-managed', messages=[{'role': 'user', 'content': 'Hi'}],"
        " max_tokens=4).choices[0].message.content is not None)"
    )
    import subprocess
    import sys

    made = subprocess.run([sys.executable, "-c", code], env=up.variables, capture_output=True, text=True, timeout=90)
    assert made.stdout.split() == ["True", "True"], made.stderr[-2000:]


def test_the_key_is_shown_once_with_a_line_to_paste(up):
    text = until(lambda: up.key in up.log.read_text() and up.log.read_text(), 5, "the key on the screen")
    assert text.count(up.key) == 1 and "curl" in text and up.base in text
    said = "".join((up.data / "logs" / name).read_text(errors="replace") for name in os.listdir(up.data / "logs"))
    assert up.key not in said


def test_status(up):
    document = json.loads(wye("status", "-o", "json", data=up.data).stdout)
    assert {target["name"]: target["state"] for target in document["targets"]} == {
        "model/smollm2-135m": "ready",
        "model/minilm-l6-v2": "ready",
        "backend/azure": "ready",
    }
    table = wye("status", data=up.data)
    assert table.returncode == 0 and "chat-managed" in table.stdout and "\x1b" not in table.stdout


def test_chat_command(up):
    made = wye("chat", "chat-local", data=up.data, stdin="Say the word blue.\n")
    assert made.returncode == 0 and made.stdout.strip(), made.stderr
    assert wye("chat", "no-such-route", data=up.data, stdin="Hi\n").returncode != 0


def test_a_unary_call_that_is_left_frees_its_slot(up):
    """The model's server would run on; Wye asks it for a stream, so it stops."""
    work = Work(server_of_smollm2(up)[0])
    until(lambda: work.rests(0.3), 30, "an idle model")
    body = {"model": "chat-local", "messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 1500, "ignore_eos": True}
    connection = http1.connect(up.base)
    connection.sendall(http1.request_bytes(f"{up.v1}/chat/completions", body, up.headers()))
    until(lambda: not work.rests(0.1), 20, "a busy slot")
    time.sleep(1)
    begin = time.monotonic()
    connection.close()
    until(lambda: work.rests(0.3), 20, "an idle slot", every=0.01)
    assert work.last - begin <= 0.5 + TICK_SECONDS


def test_nobody_goes_round_the_gate(up):
    """Servers on loopback answer only who has the key that Wye made for them."""
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    pid, port = server_of_smollm2(up)
    for headers in ({}, {"Authorization": f"Bearer {up.key}"}, {"api-key": up.key}):
        for path in ("/v1/chat/completions", "/completion", "/v1/embeddings"):
            assert http1.call(f"http://127.0.0.1:{port}{path}", "POST", chat, headers, timeout=30).status == 401
        simulator = json.loads((up.data / "run/instance.json").read_text())["simulator_url"]
        path = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"
        assert http1.call(simulator + path, "POST", chat, headers, timeout=30).status == 401
    assert not list((up.data / "run").glob("*.key.*")) and not list((up.data / "run").glob("runtime-*.key"))
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        assert b"--api-key\0" not in file.read()


def server_of_smollm2(up):
    """Process and port."""
    for child in descendants_of(up.process.pid):
        with open(f"/proc/{child}/cmdline", "rb") as file:
            words = file.read().decode().split("\0")
        if words[0].endswith("llama-server") and any("smollm2" in word for word in words):
            return child, int(words[words.index("--port") + 1])
    raise AssertionError("no server of smollm2")


def test_dimensions_that_the_model_does_not_honour(up):
    with openai.OpenAI(base_url=up.v1, api_key=up.key, max_retries=0) as client, pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="embed-local", input="blue", dimensions=64)
    assert refused.value.code == "unsupported_parameter" and refused.value.param == "dimensions"


def test_ready_means_served(fresh):
    """No gap between /readyz and the first answer."""
    fresh.start()
    first = [fresh.chat(model).status for model in ("chat-local", "chat-managed")]
    assert first == [200, 200]
    assert fresh.process.stop() == 0


def test_kill_leaves_no_orphan_and_the_next_start_finds_all_as_it_was(fresh):
    fresh.start()
    before = (fresh.key, fresh.base, fresh.admin)
    until(lambda: fresh.key in fresh.log.read_text(), 5, "the key on the screen")
    children = descendants_of(fresh.process.pid)
    assert len(children) == 3, "two models and the simulator"
    fresh.process.kill()
    until(lambda: not any(map(is_running, children)), 5, "no orphan")
    fresh.start("--port", 0, "--admin-port", 0)
    until(lambda: chats(fresh), 10, "an answer")
    assert fresh.key == before[0]
    assert fresh.log.read_text().count(fresh.key) == 1, "the key is shown once, at the first start"
    fresh.stop()
    fresh.process = None
    assert not (fresh.data / "run/instance.json").exists()


def test_a_model_that_dies_comes_back(fresh):
    fresh.start()
    until(lambda: chats(fresh), 10, "an answer")
    victim, _ = server_of_smollm2(fresh)
    os.kill(victim, signal.SIGKILL)
    until(lambda: not is_running(victim), 5, "it is gone")
    until(lambda: chats(fresh), 60, "it answers again")
    assert fresh.metric("wye_runtime_restarts_total", 'model="smollm2-135m"') >= 1
    fresh.stop()


def test_drain_under_load(fresh):
    """Ctrl-C while streams run: each is whole."""
    fresh.start()
    until(lambda: chats(fresh) and chats(fresh, "chat-managed"), 10, "an answer")
    answers = []

    def ask(i):
        answers.append(fresh.chat(("chat-local", "chat-managed")[i % 2], stream=True, max_tokens=60))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: fresh.metric("wye_in_flight") == 8, 20, "eight streams")
    fresh.process.signal(signal.SIGINT)
    for thread in threads:
        thread.join(60)
    assert [answer.body.rstrip().endswith(b"[DONE]") for answer in answers] == [True] * 8
    assert fresh.process.wait(60) in (0, 130)


def test_second_instance(up):
    made = run(up)
    assert made.returncode == 6 and str(up.process.pid) in made.stderr and "error: " in made.stderr, (made.returncode, made.stderr)
    assert up.chat("chat-local").status == 200


def test_port_taken(fresh):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        made = run(fresh, "--port", port, "--admin-port", 0)
    assert made.returncode == 6 and str(port) in made.stderr and "help: " in made.stderr, (made.returncode, made.stderr)


def test_bad_configuration(fresh):
    small(fresh, config.route("broken", "backend: nobody"))
    made = wye("up", "--data", fresh.data, "--config", fresh.config)
    assert made.returncode == 3 and "nobody" in made.stderr and "wye.yaml:" in made.stderr


def test_missing_artefacts(fresh, monkeypatch, tmp_path):
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("WYE_ARTIFACTS", str(tmp_path / "nothing"))
    made = run(fresh)
    assert made.returncode == 1 and "nothing/" in made.stderr and "make setup" in made.stderr, (made.returncode, made.stderr)


def test_commands_without_an_instance(tmp_path):
    for command in (["status"], ["env"], ["chat"]):
        made = wye(*command, data=tmp_path / "nothing")
        assert made.returncode == 5 and "error: " in made.stderr, (command, made)


@pytest.mark.parametrize("harm, word", [("missing", "missing"), ("truncated", ""), ("not gguf", ""), ("digest", "digest")])
def test_one_broken_model_takes_its_own_route_down_alone(fresh, harm, word):
    good = artefact(CHAT_MODEL)
    bad, digest = fresh.folder / "bad.gguf", CHAT_DIGEST
    if harm == "truncated":
        bad.write_bytes(good.read_bytes()[:1_000_000])
    elif harm == "not gguf":
        bad.write_bytes(b"no model at all" * 1000)
    elif harm == "digest":
        bad.symlink_to(good)
        digest = "sha256:" + "0" * 64
    small(
        fresh,
        config.route("good", "model: good"),
        config.route("bad", "model: bad"),
        models=[config.local_model("good", good, CHAT_DIGEST), config.local_model("bad", bad, digest)],
    )
    fresh.start()
    until(lambda: chats(fresh, "good"), 10, "the good model")
    answer = fresh.chat("bad")
    assert answer.status == 503 and answer.error()["code"] == "model_not_ready" and "retry-after" in answer.headers
    targets = {target["name"]: target for target in json.loads(wye("status", "-o", "json", data=fresh.data).stdout)["targets"]}
    assert targets["model/bad"]["state"] == "broken" and targets["model/good"]["state"] == "ready"
    assert "bad.gguf" in targets["model/bad"]["reason"] or word in targets["model/bad"]["reason"]
    fresh.stop()


def test_reload_and_a_refused_one_in_status(fresh):
    good = config.local_model("good", artefact(CHAT_MODEL), CHAT_DIGEST)
    small(fresh, config.route("one", "model: good"), models=[good])
    fresh.start()
    until(lambda: chats(fresh, "one"), 10, "an answer")
    small(fresh, config.route("one", "model: good"), config.route("two", "model: good"), models=[good])
    until(lambda: chats(fresh, "two"), 10, "the new Route")
    small(fresh, config.route("one", "model: nobody"), models=[good])
    status = lambda: json.loads(wye("status", "-o", "json", data=fresh.data).stdout)
    until(lambda: "nobody" in status().get("refused", ""), 10, "the refusal in `wye status`")
    assert "nobody" in wye("status", data=fresh.data).stdout and chats(fresh, "two")
    fresh.stop()


def test_detach_and_down(fresh):
    """In the background until `wye down`; the first command returns once every Route answers."""
    made = wye("up", "--detach", "--data", fresh.data, "--port", 0, "--admin-port", 0, seconds=DETACH_SECONDS)
    assert made.returncode == 0, made.stderr
    instance = json.loads((fresh.data / "run/instance.json").read_text())
    family = [instance["pid"], *descendants_of(instance["pid"])]
    try:
        fresh.base = instance["public_url"].rstrip("/").removesuffix("/v1")
        fresh.key = (fresh.data / "secrets/laptop.key").read_text().strip()
        first = [fresh.chat(model).status for model in ("chat-local", "chat-managed")]
        assert first == [200, 200], "ready is what the loops serve"
    finally:
        down = wye("down", data=fresh.data)
        for pid in family:
            if is_running(pid) and down.returncode != 0:
                os.kill(pid, signal.SIGKILL)
    assert down.returncode == 0, down.stderr
    assert not any(map(is_running, family))
    assert wye("down", data=fresh.data).returncode in (0, 5)


def test_detach_that_can_not_succeed_says_why(fresh):
    small(fresh, config.route("bad", "model: bad"), models=[config.local_model("bad", fresh.folder / "no-such.gguf", CHAT_DIGEST)])
    made = wye("up", "--detach", "--data", fresh.data, "--config", fresh.config, seconds=DETACH_SECONDS)
    assert made.returncode == 1 and "no-such.gguf" in made.stderr, (made.returncode, made.stderr)
    assert not (fresh.data / "run/instance.json").exists()


def test_interrupt_while_it_starts(fresh):
    fresh.process = Program([program("wye"), "up", "--data", fresh.data, "--port", 0, "--admin-port", 0], fresh.log, environment())
    until(lambda: descendants_of(fresh.process.pid), 30, "a child")
    children = descendants_of(fresh.process.pid)
    fresh.process.signal(signal.SIGINT)
    assert fresh.process.wait(40) in (0, 130)
    until(lambda: not any(map(is_running, children)), 5, "no orphan")
