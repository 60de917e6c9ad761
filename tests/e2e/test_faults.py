"""What becomes of an upstream's faults. The simulator plays them on demand, by a word in the prompt."""
import json

import openai
import pytest

from stack import http1
from stack.running_program import until


@pytest.fixture(autouse=True)
def recovered(gateway):
    """A target that failed rests a while; each test begins with one that answers."""
    def answers():
        return all(gateway.chat(model, max_tokens=1).status == 200 for model in ("chat-faulty", "chat-short"))
    until(answers, 60, "the faulty deployments answer again", every=0.5)


def ask(gateway, word, model="chat-faulty", **more):
    return gateway.chat(model, f"Please {word} now", **more)


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.v1, api_key=gateway.key, max_retries=0, timeout=60) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_a_filtered_prompt(client, stream):
    with pytest.raises(openai.BadRequestError) as blocked:
        client.chat.completions.create(model="chat-managed", messages=[{"role": "user", "content": "wye-filter-hate"}], stream=stream)
    assert blocked.value.code == "content_filter" and blocked.value.type == "invalid_request_error"


@pytest.mark.parametrize("model", ["chat-managed", "chat-dated"])
def test_a_filtered_answer(gateway, model):
    answer = ask(gateway, "wye-filter-completion", model)
    assert answer.status == 200 and answer.json()["choices"][0]["finish_reason"] == "content_filter"
    events = list(http1.events(ask(gateway, "wye-filter-completion", model, stream=True).body))
    assert events[-1] == "[DONE]"
    finishes = [choice["finish_reason"] for event in events[:-1] for choice in json.loads(event)["choices"] if choice.get("finish_reason")]
    assert finishes == ["content_filter"]


def test_annotation_events_are_for_the_azure_dialect_alone(gateway):
    """Plain clients index `choices[0]` and fall over an event without choices; Azure's own clients read it."""
    plain = [json.loads(event) for event in http1.events(gateway.chat("chat-managed", stream=True).body) if event != "[DONE]"]
    assert plain and all(event["choices"] for event in plain)
    body = {"messages": [{"role": "user", "content": "Say the word blue."}], "max_tokens": 8, "stream": True}
    azure = gateway.post("/openai/deployments/chat-managed/chat/completions?api-version=2024-10-21", body)
    events = [json.loads(event) for event in http1.events(azure.body) if event != "[DONE]"]
    assert any("prompt_filter_results" in event for event in events)


def test_rate_limited(client):
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="chat-faulty", messages=[{"role": "user", "content": "wye-fault-429"}])
    assert limited.value.code == "rate_limit_exceeded"
    assert int(limited.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "word, status, code", [("wye-fault-500", 502, "upstream_error"), ("wye-fault-503", 503, None), ("wye-fault-reset", 502, "upstream_error")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_before_the_first_byte(gateway, word, status, code, stream):
    answer = ask(gateway, word, stream=stream)
    error = answer.error()
    assert answer.status in (status, 502), answer.body
    assert code is None or error["code"] == code
    record = gateway.access(answer.headers["x-request-id"])
    assert record["outcome"] in ("failed", "shed") and record["attempts"] >= 1
    for leak in (b"127.0.0.1", b"simulated", b"gpt-4o", b"openai.azure"):
        assert leak not in answer.body


def test_a_cut_stream_ends_in_an_error_event_without_done(gateway):
    answer = ask(gateway, "wye-fault-cut", stream=True, max_tokens=64)
    assert answer.status == 200
    events = list(http1.events(answer.body))
    assert "[DONE]" not in events
    error = json.loads(events[-1])["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["code"] == "upstream_error"
    assert gateway.access(answer.headers["x-request-id"])["outcome"] in ("cut", "failed")


def test_the_client_raises_on_a_cut_stream(client):
    stream = client.chat.completions.create(model="chat-faulty", messages=[{"role": "user", "content": "wye-fault-cut"}], max_tokens=64, stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


def test_a_cut_response_fails_by_its_own_event(gateway):
    answer = gateway.post("/v1/responses", {"model": "chat-faulty", "input": "Please wye-fault-cut now", "max_output_tokens": 64, "stream": True})
    events = [json.loads(event) for event in http1.events(answer.body)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "response.failed" and events[-1]["response"]["status"] == "failed"


def test_a_cut_answer_is_not_half_an_answer(gateway):
    answer = ask(gateway, "wye-fault-cut", max_tokens=64)
    assert answer.status == 502 and answer.error()["code"] == "upstream_error"


@pytest.mark.parametrize("stream", [False, True])
def test_a_stalled_upstream(gateway, stream):
    """`chat-short` waits two seconds for an event, six for all."""
    answer = ask(gateway, "wye-fault-stall", "chat-short", stream=stream, max_tokens=64)
    if answer.status == 200:
        events = list(http1.events(answer.body))
        assert "[DONE]" not in events and json.loads(events[-1])["error"]["code"] == "upstream_timeout"
    else:
        assert answer.status == 504 and answer.error()["code"] == "upstream_timeout"
    assert gateway.access(answer.headers["x-request-id"])["outcome"] == "timeout"


def test_a_late_first_byte(gateway):
    answer = ask(gateway, "wye-fault-slow-first", "chat-short", stream=True)
    assert answer.status == 504 and answer.error()["code"] == "upstream_timeout"


def test_nobody_there(gateway):
    answer = gateway.chat("chat-gone")
    assert answer.status == 502 and answer.error()["code"] == "upstream_error"
    assert gateway.access(answer.headers["x-request-id"])["attempts"] == 3


def test_the_next_tier_answers(gateway):
    answer = gateway.chat("chat-fallback")
    assert answer.status == 200
    record = gateway.access(answer.headers["x-request-id"])
    assert record["target"] == "backend/llama" and record["attempts"] >= 2


def test_the_client_retries_what_wye_says_can_be_retried(gateway):
    """With its retries on, the official client comes again after an overload, as told by the header it sends."""
    with openai.OpenAI(base_url=gateway.v1, api_key=gateway.key, max_retries=1, timeout=60) as client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="chat-faulty", messages=[{"role": "user", "content": "wye-fault-429"}])
    until(lambda: any(line.get("client_retry") == "1" for line in gateway.lines()), 5, "the second try in the log")
