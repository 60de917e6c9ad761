"""What is measured: nothing in between (direct), nginx, Wye by API key, Wye by access token (wye_token). Each has url, headers, model
and pids while it runs."""
import os
import re
import subprocess
import time
from pathlib import Path

from . import issuer
from .programs import BenchError, family, free_port, start, stop, wait_for_port

UPSTREAM_AUTHORIZATION = "Bearer bench-upstream"


class Subject:
    name = ""
    headers = ()
    model = "bench"
    own_rows = False  # the rows that are about it start and end it, so that it runs beside no other

    def __init__(self, setting):
        self.setting = setting
        self.process = None
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def pids(self):
        return family(self.process.pid) if self.process else []

    def start(self, env=None):
        """Starts it; `env` is added to the environment."""

    def between_runs(self):
        """Called between two measurements."""

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None


class Direct(Subject):
    name = "direct"
    headers = (f"Authorization: {UPSTREAM_AUTHORIZATION}",)

    def start(self, env=None):
        self.port = self.setting.stub.port


class Nginx(Subject):
    name = "nginx"

    def start(self, env=None):
        self.port = free_port()
        folder = self.setting.folder / "nginx"
        folder.mkdir(exist_ok=True)
        text = (self.setting.bench / "nginx.conf").read_text()
        values = {"FOLDER": folder, "PORT": self.port, "UPSTREAM_PORT": self.setting.stub.port,
                  "AUTHORIZATION": UPSTREAM_AUTHORIZATION, "CPU_MASK": bin(1 << self.setting.gateway_core)[2:]}
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        conf = folder / "nginx.conf"
        conf.write_text(text)
        # The option -e is for the moment before the configuration is read.
        self.process = start([self.setting.nginx, "-e", folder / "error.log", "-c", conf], self.setting.gateway_core,
                             env={**os.environ, **(env or {})})
        wait_for_port(self.port, self.process, "nginx")


GATEWAY_YAML = """\
apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {{name: bench}}
spec:
  listeners: [{{name: public, address: 127.0.0.1, port: {port}}}]
  admin: {{address: 127.0.0.1, port: {admin_port}}}
  auth: {{apiKeys: true}}
  accessLog: {{to: stdout, sample: 100}}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {{name: bench}}
spec: {{dataClassMax: public{members}}}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {{name: upstream}}
spec:
  type: apiKey
  origins: ["http://127.0.0.1:{upstream_port}"]
  apiKey: {{header: bearer, key: {{file: upstream.key}}}}
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {{name: stub}}
spec:
  provider: openAICompatible
  endpoint: "http://127.0.0.1:{upstream_port}/v1"
  deployment: bench-upstream
  auth: {{credential: upstream}}
  dataClassMax: public
  network: {{mode: loopback}}
  serves: {{capabilities: [chat], contextTokens: 131072}}
---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {{name: bench}}
spec:
  operations: [chat]
  dataClass: public
  candidates: [{{backend: stub}}]
"""

MEMBERS = ", members: [{{issuer: bench, subject: {subject}}}]"
IDENTITY_YAML = """\
---
apiVersion: wye.dev/v1alpha1
kind: Issuer
metadata: {{name: bench}}
spec:
  type: oidc
  oidc: {{issuer: "{issuer}", caFile: "{ca_file}"}}
  audiences: [{audience}]
---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {{name: caller}}
spec:
  rules:
    - effect: allow
      actions: [chat.create, models.list, models.get]
      resources: ["route:bench", "backend:stub"]
      conditions: {{dataClassMax: public}}
    - {{effect: deny, actions: ["*"], resources: ["backend:closed-*"]}}
---
apiVersion: wye.dev/v1alpha1
kind: Grant
metadata: {{name: callers}}
spec: {{role: caller, tenant: bench, subjects: [{{members: true}}]}}
"""


class Wye(Subject):
    name = "wye"

    def start(self, env=None):
        program = self.setting.build / "wye"
        if not program.exists():
            raise BenchError(f"{program} is missing\n  help: make build, or leave it out with --subject nginx,direct")
        self.port, admin_port = free_port(), free_port()
        folder = self.setting.folder / self.name
        config, data = folder / "config", folder / "data"
        config.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700, exist_ok=True)
        (config / "bench.yaml").write_text(self.documents(admin_port))
        key_file = config / "upstream.key"
        key_file.write_text(UPSTREAM_AUTHORIZATION.removeprefix("Bearer "))
        key_file.chmod(0o600)
        if not self.headers:
            self.headers = (f"Authorization: Bearer {self.credential(program, data)}",)
        self.log = folder / "gateway.log"
        # Append mode, so that the log can be emptied between runs while it is open.
        with open(self.log, "ab") as log:
            self.process = start([program, "gateway", "--config", config, "--data", data, "--threads", "1"], self.setting.gateway_core,
                                 env={**os.environ, **(env or {})}, stdout=log, stderr=log)
        try:
            wait_for_port(self.port, self.process, "wye gateway")
        except BenchError as error:
            raise BenchError(f"{error}\n{self.log.read_text()[-2000:]}") from None
        time.sleep(0.5)

    def documents(self, admin_port, members=""):
        return GATEWAY_YAML.format(port=self.port, admin_port=admin_port, upstream_port=self.setting.stub.port, members=members)

    def credential(self, program, data):
        """A new API key."""
        done = subprocess.run([program, "keys", "create", "--tenant", "bench", "--data", data], capture_output=True, text=True, check=False)
        found = re.search(r"\bwye_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b", done.stdout)
        if done.returncode != 0 or not found:
            raise BenchError(f"wye keys create gave no key (code {done.returncode})\n{done.stderr[-1000:]}")
        return found.group(0)

    def between_runs(self):
        os.truncate(self.log, 0)


class WyeToken(Wye):
    """The same gateway, that believes an issuer and asks a Role; its caller has an access token and no key."""
    name = "wye_token"
    own_rows = True
    issuer = None

    def start(self, env=None):
        if self.issuer is None:
            self.issuer = issuer.Issuer(self.setting.folder / "issuer")
        super().start(env)
        end = time.monotonic() + 10
        while self.issuer.fetched() == 0:
            if time.monotonic() > end:
                raise BenchError(f"wye_token: the gateway fetched no keys in 10 s\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        time.sleep(0.2)

    def documents(self, admin_port, members=""):
        known = {"issuer": self.issuer.url, "ca_file": self.issuer.ca_file, "audience": issuer.AUDIENCE}
        return super().documents(admin_port, MEMBERS.format(subject=issuer.SUBJECT)) + IDENTITY_YAML.format(**known)

    def credential(self, program, data):
        return self.issuer.token()

    def junk_headers(self):
        return (f"Authorization: Bearer {self.issuer.junk()}",)

    def stop(self):
        super().stop()
        if self.issuer:
            self.issuer.stop()
            self.issuer, self.headers = None, ()


SUBJECTS = {subject.name: subject for subject in (Direct, Nginx, Wye, WyeToken)}
