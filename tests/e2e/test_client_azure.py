"""The Azure dialects through the official AzureOpenAI client, and curl."""

import asyncio
import json
import subprocess

import openai
import pytest

from stack import http1

ASK = [{"role": "user", "content": "Say the word blue."}]
VERSION = "2024-10-21"


@pytest.fixture(params=["api_key", "azure_ad_token"])
def azure(request, live):
    """Both credentials go to the same place: `api-key`, or a bearer."""
    with openai.AzureOpenAI(azure_endpoint=live.base, api_version=VERSION, max_retries=0, timeout=60, **{request.param: live.key}) as client:
        yield client


def test_chat(azure, model):
    answer = azure.chat.completions.create(model=model, messages=ASK, max_tokens=8)
    assert answer.choices[0].message.content and answer.model == model


def test_stream(azure, model):
    chunks = list(azure.chat.completions.create(model=model, messages=ASK, max_tokens=8, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_completions_and_embeddings(azure):
    assert azure.completions.create(model="chat-local", prompt="Once", max_tokens=4).choices[0].text
    assert len(azure.embeddings.create(model="embed-local", input="blue").data[0].embedding) == 384


def test_responses(live):
    """Current Azure clients use the v1 dialect for Responses."""
    with openai.OpenAI(base_url=f"{live.base}/openai/v1/", api_key=live.key, default_query={"api-version": "preview"}, max_retries=0) as client:
        assert client.responses.create(model="chat-local", input="Say blue.", max_output_tokens=16).output_text


def test_async(live):
    async def main():
        async with openai.AsyncAzureOpenAI(azure_endpoint=live.base, api_version=VERSION, api_key=live.key, max_retries=0) as client:
            return await client.chat.completions.create(model="chat-managed", messages=ASK, max_tokens=8)

    assert asyncio.run(main()).choices[0].message.content


def test_the_deployment_in_the_path_wins(live):
    path = f"/openai/deployments/chat-local/chat/completions?api-version={VERSION}"
    answer = live.post(path, {"model": "something-else", "messages": ASK, "max_tokens": 2})
    assert answer.status == 200 and answer.json()["model"] == "chat-local"


@pytest.mark.parametrize(
    "path, code",
    [
        ("/openai/deployments/chat-local/chat/completions", "unknown_api_version"),
        ("/openai/deployments/chat-local/chat/completions?api-version=1999-01-01", "unknown_api_version"),
        ("/openai/v1/chat/completions?api-version=2024-10-21", "unknown_api_version"),
        ("/openai/deployments/no-such/chat/completions?api-version=2024-10-21", "model_not_found"),
        ("/openai/deployments/chat-local/no/such?api-version=2024-10-21", "unknown_path"),
    ],
)
def test_refusals(live, path, code):
    answer = live.post(path, {"model": "chat-local", "messages": ASK})
    assert answer.status == 404 and answer.error()["code"] == code


def test_two_different_credentials_are_refused(live):
    answer = live.post("/v1/chat/completions", {"model": "chat-local", "messages": ASK}, headers={"api-key": "another"})
    assert answer.status == 400 and answer.error()["type"] == "invalid_request_error"


def test_wrong_key(live):
    for headers in ({"api-key": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {}):
        answer = http1.call(f"{live.base}/openai/deployments/chat-local/chat/completions?api-version={VERSION}", "POST", {"messages": ASK}, headers)
        assert answer.status == 401 and answer.error()["code"] == "invalid_api_key", headers


def curl(live, *arguments, body=""):
    made = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "-H", f"Authorization: Bearer {live.key}", "-H", "Content-Type: application/json", *arguments],
        input=body,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_curl(live, model):
    body = {"model": model, "messages": ASK, "max_tokens": 8}
    assert json.loads(curl(live, f"{live.v1}/chat/completions", "-d", json.dumps(body)))["choices"][0]["message"]["content"]
    streamed = list(http1.events(curl(live, "-N", f"{live.v1}/chat/completions", "-d", json.dumps({**body, "stream": True})).encode()))
    assert streamed[-1] == "[DONE]" and all(json.loads(event)["object"] == "chat.completion.chunk" for event in streamed[:-1])


def test_curl_waits_for_permission_to_send_a_large_body(live):
    body = json.dumps({"model": "chat-local", "max_tokens": 2, "messages": ASK, "metadata": {"fill": "x" * 400}, "x_fill": "y" * 2_000_000})
    answer = json.loads(curl(live, "-H", "Expect: 100-continue", f"{live.v1}/chat/completions", "--data-binary", "@-", body=body))
    assert answer["object"] == "chat.completion"
