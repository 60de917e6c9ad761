"""`wye gateway` and `wye up` as the tests see them: an address, keys, logs, metrics, an end."""

import json
import os
import subprocess

from stack import http1
from stack.running_program import Program, until
from stack.programs import artefacts, program

START_SECONDS = 30
SHORT_SECONDS = 60


def environment(data=None):
    """Ours without anything that would lead a client or a command elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_", "WYE_"))}
    kept["WYE_ARTIFACTS"] = str(artefacts())
    kept["NO_COLOR"] = "1"
    if data is not None:
        kept["WYE_DATA"] = str(data)
    return kept


def wye(*arguments, data=None, seconds=SHORT_SECONDS, stdin=""):
    """One command that ends by itself; the result has returncode, stdout, stderr."""
    return subprocess.run(
        [str(program("wye")), *map(str, arguments)], env=environment(data), input=stdin, capture_output=True, text=True, timeout=seconds
    )


def create_key(data, tenant, *more):
    """Text and id of a new key."""
    made = wye("keys", "create", "--tenant", tenant, "-o", "json", *more, data=data)
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    return document["key"], document["record"]["id"]


def metric_samples(text):
    """name → list of (labels as text, value) of a Prometheus exposition."""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            samples.setdefault(name, []).append((labels.rstrip("}"), float(value)))
    return samples


class Instance:
    """What any running Wye offers: base URL, admin URL, a key."""

    base = admin = key = None

    @property
    def v1(self):
        return f"{self.base}/v1"

    def headers(self, key=None):
        return {"Authorization": f"Bearer {key or self.key}"}

    def post(self, path, body, key=None, headers=None, timeout=60):
        return http1.call(self.base + path, "POST", body, {**self.headers(key), **(headers or {})}, timeout)

    def get(self, path, key=None, method="GET"):
        return http1.call(self.base + path, method, None, self.headers(key))

    def ready(self):
        try:
            return http1.call(f"{self.admin}/readyz", timeout=10).status == 200
        except OSError:
            return False

    def metrics(self):
        return http1.call(f"{self.admin}/metrics").body.decode()

    def metric(self, name, *parts):
        """Sum of the series of `name` whose labels hold all `parts`."""
        series = metric_samples(self.metrics()).get(name, [])
        return sum(value for labels, value in series if all(part in labels for part in parts))

    def chat(self, model, text="Say the word blue.", key=None, **more):
        body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 8, **more}
        return self.post("/v1/chat/completions", body, key)


class Gateway(Instance):
    """`wye gateway --config FOLDER --data FOLDER`; log lines on its standard output."""

    def __init__(self, folder, tenant="local", threads=2, variables=None):
        self.variables = variables or {}  # of its environment, beside ours
        self.folder, self.config, self.data = folder, folder / "config", folder / "data"
        self.log = folder / "gateway.log"
        self.tenant, self.threads = tenant, threads
        self.process = None

    def start(self, *more):
        """Makes a key at the first start; returns once it is ready."""
        if self.key is None:
            self.data.mkdir(parents=True, exist_ok=True)
            self.key, self.key_id = create_key(self.data, self.tenant)
        begin = self.log.stat().st_size if self.log.exists() else 0
        arguments = [program("wye"), "gateway", "--config", self.config, "--data", self.data, "--threads", self.threads, *more]
        self.process = Program(arguments, self.log, {**environment(), **self.variables})

        def started():
            return next((line for line in self.lines(begin) if line.get("event") == "host.started"), None)

        line = self.process.wait_for(started, START_SECONDS, "host.started in the log")
        self.base, self.admin = f"http://{line['address']}", f"http://{line['admin']}"
        self.process.wait_for(self.ready, START_SECONDS, "/readyz")
        return self

    def lines(self, begin=0):
        """The log as objects; a half line at its end is not yet one."""
        if not self.log.exists():
            return []
        text = self.log.read_bytes()[begin:].decode()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def access(self, request_id, seconds=10):
        """The access record of one request: written behind the answer."""
        found = lambda: [line for line in self.lines() if line.get("request_id") == request_id and "outcome" in line]
        records = until(found, seconds, f"the access record of {request_id}")
        assert len(records) == 1, records
        return records[0]

    def status(self):
        made = wye("status", "-o", "json", data=self.data)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def stop(self):
        code = self.process.stop()
        assert code == 0, f"exit {code}\n{self.process.errors()[-4000:]}"


class Up(Instance):
    """`wye up --data FOLDER`, default configuration unless `config` is given."""

    def __init__(self, folder, config=None):
        self.folder, self.data, self.config = folder, folder / "data", config
        self.log = folder / "up.log"
        self.process = None

    def start(self, *more, seconds=180):
        where = ["--config", self.config] if self.config else []
        arguments = [program("wye"), "up", "--data", self.data, *where, *(more or ("--port", 0, "--admin-port", 0))]
        self.process = Program(arguments, self.log, environment())
        self.process.wait_for(self.read_instance, seconds, "run/instance.json")
        self.process.wait_for(self.ready, seconds, "/readyz")
        self.read_environment()
        return self

    def read_instance(self):
        try:
            document = json.loads((self.data / "run/instance.json").read_text())
        except FileNotFoundError:
            return None
        if document["pid"] != self.process.pid:
            return None
        self.instance, self.base, self.admin = document, document["public_url"].rstrip("/").removesuffix("/v1"), document["admin_url"].rstrip("/")
        return document

    def read_environment(self):
        """What a shell has after `eval "$(wye env)"`."""
        made = subprocess.run(
            ["bash", "-c", 'set -e; said=$("$0" env --data "$1"); eval "$said"; env -0', str(program("wye")), str(self.data)],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SHORT_SECONDS,
        )
        assert made.returncode == 0, made.stderr
        self.variables = dict(entry.split("=", 1) for entry in made.stdout.split("\0") if "=" in entry)
        self.key = self.variables["OPENAI_API_KEY"]

    def stop(self):
        code = self.process.stop(60)
        assert code == 0, f"exit {code}\n{self.process.errors()[-4000:]}"
