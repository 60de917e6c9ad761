"""Start and end of `wye gateway`: what stops it, what it says, what it leaves."""

import shutil
import signal
import socket
import threading
import time

import pytest

from stack import config
from stack.gateway import Gateway, environment, wye
from stack.running_program import Program, is_running, until
from stack.programs import ROOT, program


@pytest.fixture
def fresh(world, tmp_path):
    """A gateway of one test with the configuration of the world, not yet started."""
    gateway = Gateway(tmp_path)
    config.write(gateway.config, world.documents())
    yield gateway
    if gateway.process is not None and gateway.process.alive():
        gateway.process.kill()


def run(fresh, *more):
    return wye("gateway", "--config", fresh.config, "--data", fresh.data, *more)


def says(made, code, *words):
    assert made.returncode == code, (made.returncode, made.stdout[-500:], made.stderr[-1500:])
    assert "error: " in made.stderr, made.stderr
    for word in words:
        assert word in made.stderr, (word, made.stderr)


def test_port_taken(fresh):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        says(run(fresh, "--port", port), 6, str(port))
        says(run(fresh, "--admin-port", port), 6, str(port))


@pytest.mark.parametrize(
    "text, word",
    [
        ("apiVersion: wye.dev/v1alpha1\nkind: Gateway\nmetadata: {name: edge}\nspec: {listenrs: []}\n", "listeners"),
        ("a: b\n", "kind"),
        ("{", "wye.yaml:"),
        ("", "Gateway"),
    ],
)
def test_bad_configuration(fresh, text, word):
    (fresh.config / "wye.yaml").write_text(text)
    says(run(fresh), 3, word)


def test_missing_configuration(fresh):
    shutil.rmtree(fresh.config)
    says(run(fresh), 3)


def test_missing_secret(fresh, world, tmp_path):
    text = (fresh.config / "wye.yaml").read_text()
    (fresh.config / "wye.yaml").write_text(text.replace(str(world.simulator.key_file), str(tmp_path / "no-such.key")))
    says(run(fresh), 3, "no-such.key")


def test_data_folder_that_can_not_be_written(fresh, tmp_path):
    (tmp_path / "file").write_text("")
    made = wye("gateway", "--config", fresh.config, "--data", tmp_path / "file" / "data")
    says(made, 1, "file")


def test_disk_full(fresh):
    """A file size limit of nothing stands in for a disk without room."""
    code = (
        "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); os.execv(sys.argv[1], sys.argv[1:])"
    )
    import sys

    full = Program(
        [sys.executable, "-c", code, program("wye"), "keys", "create", "--tenant", "local", "--data", fresh.data],
        fresh.folder / "full.log",
        environment(),
    )
    assert full.wait(30) == 1
    assert "error: " in full.errors() or full.err.stat().st_size == 0


def test_kill_and_restart(fresh):
    fresh.start()
    key, pid = fresh.key, fresh.process.pid
    assert fresh.chat("stub").status == 200
    fresh.process.kill()
    assert not is_running(pid)
    fresh.start()
    assert fresh.key == key and fresh.chat("stub").status == 200
    fresh.stop()


def test_kill_in_mid_stream_and_restart(fresh):
    fresh.start()
    failed = []

    def ask():
        try:
            answer = fresh.chat("stub", stream=True)
            failed.append(not answer.body.rstrip().endswith(b"[DONE]"))
        except OSError:
            failed.append(True)
        except Exception as error:
            failed.append(type(error).__name__ == "IncompleteRead")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: fresh.metric("wye_in_flight") == 8, 10, "eight streams")
    fresh.process.kill()
    for thread in threads:
        thread.join(20)
    assert failed == [True] * 8, "a cut stream must not look whole"
    fresh.start()
    assert fresh.chat("stub").status == 200
    fresh.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_loses_no_request(fresh, number):
    fresh.start()
    answers = []
    threads = [
        threading.Thread(target=lambda i=i: answers.append((i, fresh.chat("stub" if i % 2 == 0 else "slow", stream=i % 2 == 0)))) for i in range(24)
    ]
    for thread in threads:
        thread.start()
    until(lambda: fresh.metric("wye_in_flight") == 24, 10, "24 requests")
    fresh.process.signal(number)
    time.sleep(0.2)
    until(lambda: not_ready(fresh), 5, "not ready while it drains")
    for thread in threads:
        thread.join(30)
    assert len(answers) == 24
    for i, answer in answers:
        assert answer.status == 200
        assert answer.body.rstrip().endswith(b"[DONE]") if i % 2 == 0 else answer.json()["object"] == "chat.completion"
    assert fresh.process.wait(30) == 0
    assert "Sanitizer" not in fresh.process.errors()


def not_ready(gateway):
    """503 from /readyz, or nobody there any more."""
    return not gateway.ready()


def test_a_second_signal_does_not_hang(fresh):
    fresh.start()
    thread = threading.Thread(target=lambda: swallow(lambda: fresh.chat("stub", stream=True)))
    thread.start()
    until(lambda: fresh.metric("wye_in_flight") == 1, 10, "a stream")
    fresh.process.signal(signal.SIGTERM)
    time.sleep(0.2)
    fresh.process.signal(signal.SIGTERM)
    fresh.process.wait(30)
    thread.join(10)


def swallow(call):
    try:
        call()
    except Exception:
        pass


def test_samples_are_good():
    folders = sorted(path for path in (ROOT / "deploy/samples").iterdir() if path.is_dir())
    assert folders
    for folder in folders:
        made = wye("check", folder)
        assert made.returncode == 0 and made.stdout.startswith("ok: "), (folder, made.stderr)


def test_check_names_every_error_with_its_place(tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: wye.dev/v1alpha1\nkind: Route\nmetadata: {name: r}\nspec:\n  candidats: []\n  dataClass: secret\n")
    made = wye("check", tmp_path)
    assert made.returncode == 1
    assert "a.yaml:5:3" in made.stderr and "candidates" in made.stderr and "a.yaml:6:" in made.stderr
