"""wye login and wye token, and the laptop issuer: as a person at a terminal, as a program, as Microsoft's libraries."""

import json
import os
import re
import stat
import subprocess
import threading

import msal
import openai
import pytest
import requests
from azure.identity import CertificateCredential, ClientAssertionCredential, DeviceCodeCredential, get_bearer_token_provider
from cryptography.hazmat.primitives import serialization

from stack.gateway import environment
from stack.issuer import API, APP, CLI, DEFAULT_SCOPE, SIGNER, TENANT, USER_SCOPE, Issuer, certificate_for, claims_of
from stack.programs import program
from stack.running_program import until

SECONDS = 60


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


class Terminal:
    """Commands of one user: a home of its own, what the command says while it runs."""

    def __init__(self, home):
        self.home = home
        self.kept = home / "config/wye/login.json"

    def env(self, data=None):
        return environment(data) | {"XDG_CONFIG_HOME": str(self.home / "config"), "HOME": str(self.home)}

    def wye(self, *arguments, data=None):
        command = [str(program("wye")), *map(str, arguments)]
        return subprocess.run(command, env=self.env(data), capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)

    def login(self, arguments, on_address, data=None):
        """Runs `wye login`; once it shows an address (and a code), `on_address(address, code)` does what a person would."""
        command = [str(program("wye")), "login", *map(str, arguments)]
        child = subprocess.Popen(command, env=self.env(data), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said, person = [], None
        killer = threading.Timer(SECONDS, child.kill)
        killer.start()
        try:
            for line in child.stderr:
                said.append(line)
                found = re.search(r"(https://\S+?)(?: and type the code (\S+)\.)?$", line.rstrip())
                if found and person is None and not line.startswith("Signed in"):
                    person = threading.Thread(target=on_address, args=(found[1], found[2]))
                    person.start()
            if person is not None:
                person.join(SECONDS)
            return child.wait(SECONDS), "".join(said), child.stdout.read()
        finally:
            killer.cancel()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    try:
        yield issuer.start()
    finally:
        issuer.stop()


def at(issuer, client=CLI, scope=USER_SCOPE):
    return ["--issuer", issuer.issuer, "--client-id", client, "--scope", scope, "--ca", issuer.ca_file]


class Laptop:
    """The laptop issuer of a running instance, as its owner sees it."""

    def __init__(self, up):
        self.data = up.data
        self.issuer = up.instance["issuer_url"]
        self.authority = self.issuer.rsplit("/", 2)[0]
        self.ca_file = str(up.data / "run/ca.crt")
        self.owner_key = (up.data / "secrets/laptop-owner.key").read_text().strip()
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = self.ca_file, False

    def approve_device(self, url, code, user="owner@laptop.example", answer="allow"):
        form = {"user_code": code, "wye_user": user, "wye_owner_key": self.owner_key, "wye_answer": answer}
        assert self.session.post(url, data=form, timeout=30).status_code == 200

    def approve_in_browser(self, url):
        """The page, its form, and back to where the program waits."""
        page = self.session.get(url, timeout=30)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
        form = fields | {"wye_user": "owner@laptop.example", "wye_owner_key": self.owner_key, "wye_answer": "allow"}
        answer = self.session.post(url.split("?")[0], data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        assert requests.get(answer.headers["location"], timeout=30).status_code == 200


@pytest.fixture(scope="module")
def laptop(up):
    return Laptop(up)


def test_device_flow_at_any_issuer(issuer, terminal):
    code, said, out = terminal.login(at(issuer), issuer.approve_device)
    assert code == 0, said
    assert out == "" and "Signed in" in said
    assert stat.S_IMODE(terminal.kept.stat().st_mode) == 0o600
    assert "refresh_token" not in json.loads(terminal.kept.read_text()), "nobody asked to persist"
    printed = terminal.wye("token")
    assert printed.returncode == 0 and claims_of(printed.stdout.strip())["scp"] == "access_as_user"


def test_browser_flow_with_pkce(issuer, terminal):
    code, said, _ = terminal.login([*at(issuer), "--browser"], lambda url, _: issuer.approve_in_browser(url))
    assert code == 0, said
    assert claims_of(terminal.wye("token").stdout.strip())["aud"] == API


def test_a_sign_in_that_persists_is_renewed(issuer, terminal):
    arguments = [*at(issuer, scope=f"openid {USER_SCOPE}"), "--browser", "--persist"]
    code, said, _ = terminal.login(arguments, lambda url, _: issuer.approve_in_browser(url + "&prompt=consent"))
    assert code == 0, said
    kept = json.loads(terminal.kept.read_text())
    assert kept["refresh_token"], said
    before = terminal.wye("token").stdout.strip()
    kept["expires_at"] = "2026-01-01T00:00:00Z"
    terminal.kept.write_text(json.dumps(kept))
    after = terminal.wye("token")
    assert after.returncode == 0, after.stderr
    assert after.stdout.strip() != before
    assert stat.S_IMODE(terminal.kept.stat().st_mode) == 0o600


def test_a_sign_in_that_ended(issuer, terminal):
    code, said, _ = terminal.login(at(issuer), issuer.approve_device)
    assert code == 0, said
    kept = json.loads(terminal.kept.read_text())
    terminal.kept.write_text(json.dumps(kept | {"expires_at": "2026-01-01T00:00:00Z"}))
    ended = terminal.wye("token")
    assert ended.returncode == 4 and "wye login" in ended.stderr and ended.stdout == ""
    terminal.kept.chmod(0o644)
    assert terminal.wye("token").returncode == 4, "a token that others could read"
    assert terminal.wye("login", "--forget").returncode == 0 and not terminal.kept.exists()


def test_a_program_with_a_key_a_token_or_a_secret(issuer, terminal, tmp_path):
    made = terminal.wye("login", *at(issuer, SIGNER, DEFAULT_SCOPE), "--assertion-key", issuer.signer_pem)
    assert made.returncode == 0, made.stderr
    assert claims_of(terminal.wye("token").stdout.strip())["azpacr"] == "2"
    secret = tmp_path / "secret"
    secret.write_text("only-for-tests\n")
    assert terminal.wye("login", *at(issuer, APP, DEFAULT_SCOPE), "--insecure-secret", secret).returncode == 0
    secret.write_text("another\n")
    wrong = terminal.wye("login", *at(issuer, APP, DEFAULT_SCOPE), "--insecure-secret", secret)
    assert wrong.returncode == 4 and "invalid_client" in wrong.stderr and "another" not in wrong.stderr


def test_what_is_refused_before_anything_is_sent(issuer, terminal):
    assert terminal.wye("login", "--issuer", issuer.issuer).returncode == 2
    assert terminal.wye("login", *at(issuer), "--browser", "--forget").returncode == 2
    stranger = ["--issuer", issuer.issuer + "/", "--client-id", CLI, "--scope", USER_SCOPE, "--ca", issuer.ca_file]
    assert terminal.wye("login", *stranger).returncode == 1, "the issuer calls itself otherwise"
    untrusted = ["--issuer", issuer.issuer, "--client-id", CLI, "--scope", USER_SCOPE]
    made = terminal.wye("login", *untrusted)
    assert made.returncode == 1 and "certificate" in made.stderr
    assert terminal.wye("login", "--issuer", "http://login.example/", "--client-id", CLI, "--scope", "x").returncode == 2
    assert not terminal.kept.exists()


def test_device_and_browser_at_the_laptop_issuer(up, laptop, terminal):
    code, said, _ = terminal.login([], laptop.approve_device, data=laptop.data)
    assert code == 0 and laptop.owner_key not in said, said
    token = terminal.wye("token").stdout.strip()
    assert claims_of(token)["iss"] == laptop.issuer
    code, said, _ = terminal.login(["--browser", "--persist"], lambda url, _: laptop.approve_in_browser(url), data=laptop.data)
    assert code == 0, said
    assert json.loads(terminal.kept.read_text())["refresh_token"]


def test_who_says_no(laptop, terminal):
    code, said, _ = terminal.login([], lambda url, user_code: laptop.approve_device(url, user_code, answer="deny"), data=laptop.data)
    assert code == 4 and "declined" in said and not terminal.kept.exists()


def printed(terminal, laptop, *switches):
    """A token of the laptop issuer; never nothing, which would be no credential at all."""
    made = terminal.wye("token", "--data", laptop.data, *switches)
    assert made.returncode == 0 and made.stdout.strip(), made.stderr
    return made.stdout.strip()


def test_tokens_of_the_owner_with_every_switch(laptop, terminal):
    def claims(*switches):
        printed = terminal.wye("token", "--data", laptop.data, *switches)
        assert printed.returncode == 0, printed.stderr
        return claims_of(printed.stdout.strip())

    assert claims()["roles"] == ["Wye.Caller"] and claims()["ver"] == "2.0"
    assert claims("--v1")["ver"] == "1.0" and claims("--v1")["iss"] == f"{laptop.authority}/{TENANT}/"
    assert claims("--app")["idtyp"] == "app" and "scp" not in claims("--app")
    assert "roles" not in claims("--user", "visitor@laptop.example")
    assert claims("--wrong-audience")["aud"] != API
    assert "groups" not in claims("--overage") and "_claim_names" in claims("--overage")
    assert claims("--cae")["xms_cc"] == ["cp1"]
    assert claims("--expired")["exp"] < claims()["iat"]
    assert terminal.wye("token", "--data", laptop.data, "--user", "nobody").returncode == 2
    assert terminal.wye("token", "--data", terminal.home).returncode == 5


def test_a_token_works_where_a_key_does(up, laptop, terminal):
    token = printed(terminal, laptop)
    with openai.OpenAI(base_url=up.v1, api_key=token, max_retries=0, timeout=SECONDS) as client:
        assert client.chat.completions.create(model="chat-local", messages=[{"role": "user", "content": "Hi"}], max_tokens=4).choices
        assert {model.id for model in client.models.list()} == {"chat-local", "chat-managed", "embed-local"}
    assert up.chat("chat-local").status == 200, "and the key goes on"


def test_each_wrong_token_is_refused(up, laptop, terminal):
    token = lambda *switches: printed(terminal, laptop, *switches)
    for good in ((), ("--v1",), ("--app",), ("--v1", "--app"), ("--cae",), ("--overage",)):
        assert up.chat("chat-local", key=token(*good)).status == 200, good
    for bad in ("--wrong-audience", "--expired"):
        answer = up.chat("chat-local", key=token(bad))
        assert answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"], bad
    assert up.chat("chat-local", key=token("--user", "visitor@laptop.example")).status == 403


def test_microsofts_libraries_at_the_laptop_issuer(up, laptop, terminal):
    more = {"authority": laptop.authority, "disable_instance_discovery": True, "connection_verify": laptop.ca_file}
    assertion = lambda: terminal.wye("token", "--data", laptop.data, "--assertion").stdout.strip()
    provider = get_bearer_token_provider(ClientAssertionCredential(TENANT, APP, assertion, **more), DEFAULT_SCOPE)
    with openai.AzureOpenAI(azure_endpoint=up.base, api_version="2024-10-21", azure_ad_token_provider=provider, max_retries=0) as client:
        assert client.chat.completions.create(model="chat-local", messages=[{"role": "user", "content": "Hi"}], max_tokens=4).choices
    pem = (laptop.data / "secrets/laptop-app.pem").read_bytes()
    certificate = certificate_for(serialization.load_pem_private_key(pem, None))
    by_certificate = CertificateCredential(TENANT, APP, certificate_data=pem + certificate, **more)
    assert claims_of(by_certificate.get_token(DEFAULT_SCOPE).token)["azpacr"] == "2"
    device = DeviceCodeCredential(CLI, tenant_id=TENANT, prompt_callback=lambda uri, code, _: laptop.approve_device(uri, code), **more)
    assert claims_of(device.get_token(USER_SCOPE).token)["scp"] == "access_as_user"


def test_msal_at_the_laptop_issuer(laptop):
    http = requests.Session()
    http.verify, http.trust_env = laptop.ca_file, False
    public = msal.PublicClientApplication(CLI, authority=f"{laptop.authority}/{TENANT}", instance_discovery=False, http_client=http)
    flow = public.initiate_device_flow(scopes=[USER_SCOPE])
    laptop.approve_device(flow["verification_uri"], flow["user_code"])
    answer = public.acquire_token_by_device_flow(flow)
    assert "access_token" in answer, answer
    assert answer["id_token_claims"]["tid"] == TENANT
    silent = public.acquire_token_silent([USER_SCOPE], account=public.get_accounts()[0], force_refresh=True)
    assert silent and silent["access_token"] != answer["access_token"], "by the refresh token that it asked for"


def test_nobody_else_gets_a_token(laptop):
    token = f"{laptop.authority}/{TENANT}/owner/token"
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": f"Basic {laptop.owner_key}"}):
        assert laptop.session.post(token, data={}, headers=headers, timeout=30).status_code == 401
    for secret in (laptop.data / "secrets").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret
    said = "".join((laptop.data / "logs" / name).read_text(errors="replace") for name in os.listdir(laptop.data / "logs"))
    assert laptop.owner_key not in said


def test_rotation_at_the_laptop(up, laptop, terminal):
    token = lambda: printed(terminal, laptop)
    before = token()
    assert up.chat("chat-local", key=before).status == 200
    rotated = terminal.wye("token", "rotate", "--data", laptop.data)
    assert rotated.returncode == 0 and rotated.stdout.strip(), rotated.stderr
    assert up.chat("chat-local", key=token()).status == 200, "the next key was published ahead"
    again = terminal.wye("token", "rotate", "--data", laptop.data)
    assert again.returncode == 0
    until(lambda: up.chat("chat-local", key=token()).status == 200, 20, "a key that was made just now", every=0.5)
    until(lambda: up.chat("chat-local", key=before).status == 401, 5, "the key of the first token is gone")
