"""Who we are to an upstream: a real gateway with managed and workload identities before the Azure simulator, which takes a bearer token."""

import base64
import json
import os
import secrets
import signal
import subprocess
import time

import pytest

from stack import config
from stack.azure_identity import AzureIdentity
from stack.gateway import Gateway, environment
from stack.programs import is_instrumented, program
from stack.running_program import Program, until
from stack.world import CHAT_MODEL, Llama, announced


def token(name, **claims):
    """A JWT as Entra would give it, without any meaning to the simulator."""

    def part(document):
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

    claims = {"aud": "https://cognitiveservices.azure.com", "jti": name, **claims}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{secrets.token_hex(32)}"


@pytest.fixture(scope="module")
def resource(tmp_path_factory):
    """A simulated Azure resource that takes two tokens, and a key."""
    folder = tmp_path_factory.mktemp("resource")
    llama = Llama(folder, "smollm2", CHAT_MODEL, "-c", 1024, "-np", 1, "--jinja", "--cache-ram", 0)
    llama.wait_ready()

    class Resource:
        tokens = [token("one", appid="app-1"), token("two", appid="app-1")]

    accepted = folder / "accepted.key"
    accepted.write_text("\n".join(Resource.tokens) + "\n")
    accepted.chmod(0o600)
    deployment = f"gpt-4o-mini=smollm2@{llama.url}/v1"
    simulator = Program(
        [program("wye-azure-simulator"), "--port", 0, "--key-file", accepted, "--deployment", deployment], folder / "simulator.log", environment()
    )
    Resource.url = announced(simulator, 30)
    yield Resource
    simulator.stop()
    llama.process.stop()


def identity_credential(name, origin, kind, lines=()):
    return config.document("Credential", name, [f"type: {kind}", f'origins: ["{origin}"]', *lines])


def documents(resource, kind, lines=()):
    return [
        config.edge(),
        config.tenant("local"),
        identity_credential("azure", resource.url, kind, lines),
        config.azure("azure", resource.url, "gpt-4o-mini", "azure"),
        config.route("chat", "backend: azure"),
    ]


class Setting:
    def __init__(self, folder, resource, kind, tokens, variables, lines=(), **more):
        self.folder = folder
        self.identity = AzureIdentity(folder, tokens, **more)
        self.gateway = Gateway(folder, threads=1, variables=variables(self.identity))
        config.write(self.gateway.config, documents(resource, kind, [line.format(ca=self.identity.ca_file) for line in lines]))

    def __enter__(self):
        self.gateway.start()
        return self

    def __exit__(self, *_):
        if self.gateway.process is not None and self.gateway.process.alive():
            self.gateway.stop()
        self.identity.stop()

    def no_word_of(self, *secret):
        text = self.gateway.log.read_text() + self.gateway.process.errors() + self.gateway.metrics()
        for one in secret:
            assert one not in text


def pod(folder):
    """A projected token, as kubelet writes it."""
    file = folder / "azure-identity-token"
    file.write_text("assertion-1")
    file.chmod(0o640)
    return file


CA = ["workloadIdentity: {{caFile: {ca}}}"]


def test_workload_identity_calls_without_a_key(tmp_path, resource):
    file = pod(tmp_path)
    with Setting(tmp_path, resource, "workloadIdentity", resource.tokens, lambda one: one.aks(file), CA) as setting:
        setting.identity.assertion = "assertion-1"
        for _ in range(3):
            answer = setting.gateway.chat("chat")
            assert answer.status == 200, answer.body
        assert setting.identity.wrong == []
        assert setting.identity.given == 1
        live = lambda: setting.gateway.metric("wye_credential_state", 'credential="azure"', 'state="live"') == 1
        until(live, 10, "the state in the metrics")
        setting.no_word_of(*resource.tokens, "assertion-1")


def test_federated_file_is_read_at_each_exchange(tmp_path, resource):
    file = pod(tmp_path)
    with Setting(tmp_path, resource, "workloadIdentity", resource.tokens, lambda one: one.aks(file), CA, expires_in=20) as setting:
        assert setting.gateway.chat("chat").status == 200
        file.write_text("assertion-2")
        until(lambda: any(seen["form"].get("client_assertion") == "assertion-2" for seen in setting.identity.seen), 30, "the new assertion")
        assert setting.gateway.chat("chat").status == 200
        assert setting.identity.wrong == []


def test_a_401_of_the_upstream_gets_one_new_token(tmp_path, resource):
    file = pod(tmp_path)
    stale = token("revoked")
    with Setting(tmp_path, resource, "workloadIdentity", [stale, resource.tokens[0]], lambda one: one.aks(file), CA) as setting:
        answer = setting.gateway.chat("chat")
        assert answer.status == 200, answer.body
        assert setting.identity.given == 2
        setting.no_word_of(stale, *resource.tokens)


def test_app_service_and_imds(tmp_path, resource):
    for name, variables in (("app-service", AzureIdentity.app_service), ("imds", AzureIdentity.imds)):
        folder = tmp_path / name
        folder.mkdir()
        with Setting(folder, resource, "managedIdentity", resource.tokens, variables, numbers_are_strings=True) as setting:
            answer = setting.gateway.chat("chat")
            assert answer.status == 200, answer.body
            assert setting.identity.wrong == []
            setting.no_word_of(*resource.tokens, setting.identity.identity_header)


def test_an_issuer_that_is_down_is_503_and_a_redirect_is_not_followed(tmp_path, resource):
    file = pod(tmp_path)
    with Setting(tmp_path, resource, "workloadIdentity", resource.tokens, lambda one: one.aks(file), CA) as setting:
        assert setting.gateway.chat("chat").status == 200
        setting.gateway.stop()
        setting.identity.down = True
        setting.gateway.start()
        answer = setting.gateway.chat("chat")
        assert (answer.status, answer.error()["code"]) == (503, "upstream_auth_unavailable"), answer.body
        setting.gateway.stop()
        setting.identity.down = False
        before = len(setting.identity.seen)
        setting.identity.fails = [(307, {}, {"location": f"{setting.identity.plain_url}/msi/token"})]
        setting.gateway.start()
        answer = setting.gateway.chat("chat")
        assert (answer.status, answer.error()["code"]) == (503, "upstream_auth_unavailable"), answer.body
        assert len(setting.identity.seen) == before + 1
        assert setting.identity.wrong == []


def credentials_test(setting, *more):
    made = subprocess.run(
        [str(program("wye")), "credentials", "test", "azure", "--config", str(setting.gateway.config), *more],
        env={**environment(), **setting.gateway.variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return made


def test_credentials_test_says_step_by_step(tmp_path, resource):
    file = pod(tmp_path)
    setting = Setting(tmp_path, resource, "workloadIdentity", resource.tokens, lambda one: one.aks(file), CA)
    try:
        made = credentials_test(setting, "-o", "json")
        assert made.returncode == 0, made.stdout + made.stderr
        said = json.loads(made.stdout)
        assert [(step["step"], step["state"]) for step in said["steps"]] == [
            ("configuration", "ok"),
            ("source", "ok"),
            ("token", "ok"),
            ("origin", "ok"),
        ]
        assert said["steps"][2]["claims"] == {"aud": "https://cognitiveservices.azure.com", "appid": "app-1"}
        assert all(part not in made.stdout for one in resource.tokens for part in (one, one.split(".")[2]))
        made = credentials_test(setting)
        assert made.returncode == 0 and "https://cognitiveservices.azure.com" in made.stdout, made.stdout
        setting.identity.fails = [(401, {"error": "invalid_client", "error_codes": [700213]}, {})]
        made = credentials_test(setting)
        assert made.returncode == 1 and "AADSTS700213" in made.stdout and "federated credential" in made.stdout, made.stdout
        file.unlink()
        made = credentials_test(setting)
        assert made.returncode == 1 and str(file) in made.stdout, made.stdout
    finally:
        setting.identity.stop()


def test_a_key_from_the_environment_is_in_no_place_to_be_found(tmp_path, resource):
    """Neither in /proc of the program, nor in a core: release builds leave none."""
    variables = {"UPSTREAM_KEY": resource.tokens[0]}
    gateway = Gateway(tmp_path, threads=1, variables=variables)
    config.write(
        gateway.config,
        [
            config.edge(),
            config.tenant("local"),
            config.document(
                "Credential", "azure", ["type: apiKey", f'origins: ["{resource.url}"]', "apiKey: {header: bearer, key: {env: UPSTREAM_KEY}}"]
            ),
            config.azure("azure", resource.url, "gpt-4o-mini", "azure"),
            config.route("chat", "backend: azure"),
        ],
    )
    gateway.start()
    try:
        assert gateway.chat("chat").status == 200
        with open(f"/proc/{gateway.process.pid}/environ", "rb") as file:
            assert resource.tokens[0].encode() not in file.read()
        if is_instrumented():
            return
        with open(f"/proc/{gateway.process.pid}/limits") as file:
            limits = next(line.split() for line in file if line.startswith("Max core file size"))
        assert limits[4:6] == ["0", "0"], limits
        os.kill(gateway.process.pid, signal.SIGABRT)
        status = until(lambda: gateway.process.child.poll(), 30, "its end")
        assert status == -signal.SIGABRT
        time.sleep(0.2)
        assert not list(tmp_path.rglob("core*"))
    finally:
        if gateway.process.alive():
            gateway.stop()
