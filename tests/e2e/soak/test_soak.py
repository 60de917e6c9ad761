"""A minute of 100 concurrent streams and unary calls with 10 % of clients leaving, against bench's stub.

On a sanitizer build: no report, no leak, no wrong byte. On any other also: resident memory at the end within 10 % of what it was
after the first ten seconds.
"""

import json
import os
import time

import pytest

from stack import config
from stack.gateway import Gateway, environment
from stack.running_program import Program, until
from stack.programs import is_instrumented, program
from stack.world import Stub

# WYE_SOAK_SECONDS: a shorter round while developing.
SECONDS = int(os.environ.get("WYE_SOAK_SECONDS", "60"))
SETTLE_SECONDS = min(10, SECONDS // 3)


@pytest.fixture
def soaked(tmp_path):
    stub = Stub(tmp_path, "--latency-ms", 150)
    gateway = Gateway(tmp_path)
    config.write(
        gateway.config,
        [
            config.edge(),
            config.tenant("local"),
            config.server("stub", stub.url, "bench", context=32768),
            config.route("bench", "backend: stub", operations="chat"),
        ],
    )
    try:
        gateway.start()
        yield gateway
    finally:
        if gateway.process is not None and gateway.process.alive():
            gateway.process.kill()
        stub.process.stop()


def load(gateway, name, connections, *more):
    return Program(
        [
            program("wye_bench_load"),
            "--url",
            gateway.base,
            "--header",
            f"Authorization: Bearer {gateway.key}",
            "--connections",
            connections,
            "--seconds",
            SECONDS,
            "--abort-share",
            "0.1",
            "--abort-within-ms",
            400,
            *more,
        ],
        gateway.folder / f"{name}.log",
        environment(),
    )


def resident(gateway):
    with open(f"/proc/{gateway.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
def test_soak(soaked):
    streams = load(soaked, "streams", 50, "--sse", "--chunks", 40, "--spacing-us", 25000, "--seed", 1)
    unary = load(soaked, "unary", 50, "--seed", 2)
    time.sleep(SETTLE_SECONDS)
    early = resident(soaked)
    for program_ in (streams, unary):
        assert program_.wait(SECONDS + 90) == 0, (program_.text()[-3000:], program_.errors()[-2000:])
    late = resident(soaked)
    for program_ in (streams, unary):
        result = json.loads(program_.text())
        print(json.dumps({name: result[name] for name in ("seconds", "completed", "chunks", "failures", "unanswered", "aborted")}))
        assert result["completed"] > 20 * SECONDS and result["aborted"] > SECONDS, result
        assert result["failures"] == 0 and result["unanswered"] == 0 and result["first_failure"] == "", result
    until(lambda: soaked.metric("wye_in_flight") == 0, 10, "nothing in flight")
    soaked.stop()
    assert "Sanitizer" not in soaked.process.errors(), soaked.process.errors()[-4000:]
    outcomes = {line["outcome"] for line in soaked.lines() if "outcome" in line}
    assert outcomes == {"complete", "client_gone"}, outcomes
    print(f"resident: {early / 1e6:.1f} MB after {SETTLE_SECONDS} s, {late / 1e6:.1f} MB at the end")
    if not is_instrumented():
        assert late <= 1.1 * early, (early, late)
