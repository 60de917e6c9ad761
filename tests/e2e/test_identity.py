"""Tokens at the gate: a real issuer (oidc-provider in the shape of Microsoft Entra), official clients, rotation, outage."""

import subprocess
import time

import jwt
import openai
import pytest
from azure.identity import ClientAssertionCredential, ClientSecretCredential, DeviceCodeCredential, get_bearer_token_provider

from stack import http1
from stack.gated import Gated, ask, issuer_document
from stack.issuer import API, APP, CLI, DEFAULT_SCOPE, OTHER_API, SECRET, SHORT_LIVED, SIGNER, TENANT, USER_SCOPE, Issuer, claims_of, new_key, pem_of
from stack.running_program import free_port, until

VERSION = "2024-10-21"
ASK = [{"role": "user", "content": "Hi"}]
BEARER = 'Bearer realm="wye"'
INVALID = 'error="invalid_token"'


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    try:
        yield issuer.start()
    finally:
        issuer.stop()


@pytest.fixture(scope="module")
def gated(tmp_path_factory, issuer):
    gated = Gated(tmp_path_factory.mktemp("gated"), issuer)
    yield gated
    gated.stop()


@pytest.fixture(scope="module")
def gateway(gated):
    """The one that most tests share; none of them changes its issuer's keys."""
    return gated.another("shared")


@pytest.fixture(scope="module")
def token(issuer):
    return issuer.app_token()


def credential(issuer, kind=ClientSecretCredential, client=APP, proof=SECRET):
    """azure-identity without its questions to Microsoft."""
    return kind(TENANT, client, proof, authority=issuer.base, disable_instance_discovery=True, connection_verify=issuer.ca_file)


def azure_client(gateway, provider):
    return openai.AzureOpenAI(azure_endpoint=gateway.base, api_version=VERSION, azure_ad_token_provider=provider, max_retries=0, timeout=30)


def refused(answer, status=401):
    assert answer.status == status, (answer.status, answer.body)
    return answer.error()


def test_a_client_secret_credential_signs_the_official_client_in(issuer, gateway):
    with azure_client(gateway, get_bearer_token_provider(credential(issuer), DEFAULT_SCOPE)) as client:
        assert client.chat.completions.create(model="chat-stub", messages=ASK).choices[0].message.content
        stream = client.chat.completions.create(model="chat-stub", messages=ASK, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_program_signs_in_without_a_secret(issuer, gateway):
    def assertion():
        now = int(time.time())
        claims = {"iss": SIGNER, "sub": SIGNER, "aud": issuer.token_endpoint(), "jti": str(time.monotonic_ns()), "iat": now, "exp": now + 300}
        return jwt.encode(claims, pem_of(issuer.signer_key), algorithm="RS256")

    provider = get_bearer_token_provider(credential(issuer, ClientAssertionCredential, SIGNER, assertion), DEFAULT_SCOPE)
    assert claims_of(provider())["azpacr"] == "2"
    with azure_client(gateway, provider) as client:
        assert client.chat.completions.create(model="chat-stub", messages=ASK).choices


def test_a_person_signs_in_with_a_device_code(issuer, gateway):
    device = DeviceCodeCredential(
        CLI,
        tenant_id=TENANT,
        authority=issuer.base,
        disable_instance_discovery=True,
        connection_verify=issuer.ca_file,
        prompt_callback=lambda uri, code, until_: issuer.approve_device(uri, code),
    )
    token = device.get_token(USER_SCOPE).token
    assert claims_of(token)["scp"] == "access_as_user"
    assert ask(gateway, token).status == 200


def test_both_dialects_take_the_token_as_bearer(gateway, token):
    assert ask(gateway, token).status == 200
    assert ask(gateway, token, path=f"/openai/deployments/chat-stub/chat/completions?api-version={VERSION}").status == 200
    with openai.OpenAI(base_url=gateway.v1, api_key=token, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["chat-stub"], "what the caller may not use is not listed"


def test_nobody_is_asked_for_a_token(gateway):
    answer = http1.call(f"{gateway.v1}/chat/completions", "POST", {"model": "chat-stub", "messages": ASK})
    assert refused(answer)["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == BEARER


def test_another_audience(issuer, gateway):
    answer = ask(gateway, issuer.app_token(scope=f"api://{OTHER_API}/.default"))
    assert refused(answer)["message"] == "The access token is not valid."
    assert answer.headers["www-authenticate"].startswith(BEARER) and INVALID in answer.headers["www-authenticate"]


def test_another_issuer(tmp_path, gateway):
    stranger = Issuer(tmp_path)
    try:
        answer = ask(gateway, stranger.start().app_token())
    finally:
        stranger.stop()
    refused(answer)
    assert INVALID in answer.headers["www-authenticate"]


def test_a_signature_that_is_not_the_issuers(gateway, token):
    claims, header = claims_of(token), jwt.get_unverified_header(token)
    forged = jwt.encode(claims, pem_of(new_key()), algorithm="RS256", headers={"kid": header["kid"]})
    for bad in (forged, token[:-4] + "AAAA", token + "x", jwt.encode(claims, None, algorithm="none")):
        answer = ask(gateway, bad)
        refused(answer)
        assert INVALID in answer.headers["www-authenticate"]


def test_an_expired_token(gated, issuer):
    """Tokens of this application live for a second; the Issuer allows no skew."""
    strict = gated.another("strict", gated.documents(issuer=issuer_document(issuer, extra=["tokens: {skew: 0s}"])))
    token = issuer.app_token(SHORT_LIVED)
    until(lambda: time.time() > claims_of(token)["exp"], 5, "the token's end")
    answer = ask(strict, token)
    refused(answer)
    assert INVALID in answer.headers["www-authenticate"]


def test_what_a_caller_may_not_do(issuer, gateway, token):
    assert refused(ask(gateway, token, path="/v1/completions"), 403)["code"] == "model_not_allowed"
    hidden, absent = ask(gateway, token, "chat-hidden"), ask(gateway, token, "chat-absent")
    assert refused(hidden, 404) == refused(absent, 404), "what may not be seen is not there"
    assert hidden.error()["code"] == "model_not_found"


def test_a_user_without_the_role_is_nobodys_member(issuer, gateway):
    assert ask(gateway, issuer.user_token("caller")).status == 200
    token = issuer.user_token("visitor")
    assert "roles" not in claims_of(token)
    assert ask(gateway, token).status == 403


def test_keys_change_while_it_runs(gated, issuer):
    """The new key is fetched for the first token that names it; then the old one, which is gone, ends at once."""
    gateway = gated.another("rotation")
    old = issuer.app_token()
    assert ask(gateway, old).status == 200
    issuer.control("rotate")
    issuer.control("retire")
    assert ask(gateway, old).status == 200, "nobody has told the gateway yet"
    new = issuer.app_token()
    assert ask(gateway, new).status == 200
    until(lambda: ask(gateway, old).status == 401, 5, "removed_key_stops_at_once")
    assert ask(gateway, new).status == 200


def test_an_outage_is_no_401(gated, tmp_path):
    """503 while keys were never had, 200 once they come, 200 while the issuer is away again."""
    issuer = Issuer(tmp_path)
    issuer.start()
    first, second = issuer.app_token(), issuer.app_token()
    issuer.stop()
    gateway = gated.another("outage", gated.documents(issuer=issuer_document(issuer)), with_keys=False)
    answer = ask(gateway, first)
    assert refused(answer, 503)["code"] == "auth_unavailable"
    assert answer.headers["retry-after"] == "5" and "www-authenticate" not in answer.headers
    issuer.start()
    try:
        fresh = issuer.app_token()
        until(lambda: ask(gateway, fresh).status == 200, 30, "keys after the outage", every=0.5)
        another = issuer.app_token()
    finally:
        issuer.stop()
    assert ask(gateway, another).status == 200, "stale keys serve"
    # Signed by a key of the issuer before its restart: whether it has come back is for the issuer to say, and it is away.
    assert ask(gateway, second).status in (401, 503)


def test_the_log_says_why_and_never_what(gated, gateway, token):
    text = gateway.log.read_text()
    assert token not in text and token.split(".")[2] not in text and SECRET not in text


def test_node_signs_in(gateway, token):
    """The official Node client with azureADTokenProvider."""
    program = (
        "import { AzureOpenAI } from 'openai';"
        "const client = new AzureOpenAI({ endpoint: process.env.BASE, apiVersion: '2024-10-21', maxRetries: 0,"
        " azureADTokenProvider: async () => process.env.TOKEN });"
        "const answer = await client.chat.completions.create({ model: 'chat-stub', messages: [{ role: 'user', content: 'Hi' }] });"
        "console.log(answer.choices.length);"
    )
    from stack.gateway import environment
    from stack.programs import ROOT

    env = environment() | {"BASE": gateway.base, "TOKEN": token}
    command = ["node", "--input-type=module", "-e", program]
    made = subprocess.run(command, cwd=ROOT / "tests/e2e/node", env=env, capture_output=True, text=True, timeout=60)
    assert made.stdout.strip() == "1", made.stderr[-2000:]
