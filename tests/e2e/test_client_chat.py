"""Chat and completions through the official Python client, on both paths."""

import asyncio

import openai
import pytest

ASK = [{"role": "user", "content": "Say the word blue."}]
TOKENS = 8


def check_completion(answer, model):
    assert answer.object == "chat.completion"
    assert answer.model == model
    assert answer.id.startswith("chatcmpl-") and len(answer.id) == len("chatcmpl-") + 32
    assert answer._request_id == "req_" + answer.id.removeprefix("chatcmpl-")
    (choice,) = answer.choices
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.prompt_tokens > 0 and 0 < usage.completion_tokens <= TOKENS
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_chat(client, model):
    check_completion(client.chat.completions.create(model=model, messages=ASK, max_tokens=TOKENS), model)


def test_chat_with_the_newer_name_of_the_bound(client, model):
    answer = client.chat.completions.create(model=model, messages=ASK, max_completion_tokens=3)
    assert answer.usage.completion_tokens <= 3


def test_the_same_seed_gives_the_same_words_streamed_and_whole(client):
    ask = dict(model="chat-local", messages=ASK, max_tokens=TOKENS, temperature=0, seed=7)
    whole = client.chat.completions.create(**ask).choices[0].message.content
    with client.chat.completions.create(**ask, stream=True) as stream:
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert streamed == whole


def test_chat_stream(client, model):
    chunks = list(client.chat.completions.create(model=model, messages=ASK, max_tokens=TOKENS, stream=True))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    with_text = [chunk for chunk in chunks if chunk.choices]
    assert len({chunk.id for chunk in with_text}) == 1 and with_text[0].id.startswith("chatcmpl-")
    assert {chunk.model for chunk in with_text} == {model}
    assert with_text[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in with_text)
    finishes = [chunk.choices[0].finish_reason for chunk in with_text if chunk.choices[0].finish_reason]
    assert len(finishes) == 1 and finishes[0] in ("stop", "length")
    assert not any(chunk.usage for chunk in chunks), "usage was not asked for"


def test_usage_is_shown_to_who_asks(client, model):
    stream = client.chat.completions.create(model=model, messages=ASK, max_tokens=TOKENS, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert [chunk for chunk in chunks if chunk.usage] == [chunks[-1]]


def test_stream_helper(client, model):
    """The helper raises where the bound ends the answer, so a full stop ends it."""
    with client.chat.completions.stream(model=model, messages=ASK, max_tokens=400, temperature=0, stop=["."]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "chunk" in kinds and "content.delta" in kinds and kinds[-1] == "content.done"
    assert final.choices[0].message.content


def test_async_client_in_parallel(live, model):
    async def ask(client, stream):
        if not stream:
            return (await client.chat.completions.create(model=model, messages=ASK, max_tokens=TOKENS)).choices[0].message.content
        parts = await client.chat.completions.create(model=model, messages=ASK, max_tokens=TOKENS, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in parts if chunk.choices])

    async def main():
        async with openai.AsyncOpenAI(base_url=live.v1, api_key=live.key, max_retries=0, timeout=60) as client:
            return await asyncio.gather(*(ask(client, i % 2 == 0) for i in range(8)))

    assert all(asyncio.run(main()))


def test_completions(client, model):
    answer = client.completions.create(model=model, prompt="Once upon a time", max_tokens=TOKENS)
    assert answer.object == "text_completion" and answer.model == model and answer.id.startswith("cmpl-")
    assert answer.choices[0].text and answer.usage.completion_tokens <= TOKENS


def test_completions_stream(client, model):
    chunks = list(client.completions.create(model=model, prompt="Once upon a time", max_tokens=TOKENS, stream=True))
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] in (["length"], ["stop"])


def test_two_choices(client):
    answer = client.chat.completions.create(model="chat-local", messages=ASK, max_tokens=TOKENS, n=2)
    assert sorted(choice.index for choice in answer.choices) == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage.completion_tokens > TOKENS // 2, "tokens of both choices count"


def test_two_choices_streamed(client):
    chunks = list(client.chat.completions.create(model="chat-local", messages=ASK, max_tokens=TOKENS, n=2, stream=True))
    finished = sorted(choice.index for chunk in chunks for choice in chunk.choices if choice.finish_reason)
    assert finished == [0, 1]


def test_unknown_fields_pass(client):
    answer = client.chat.completions.create(
        model="chat-local", messages=ASK, max_tokens=TOKENS, extra_body={"cache_prompt": False, "x_own": {"a": [1, None]}}
    )
    assert answer.choices[0].message.content


def test_tools_without_a_template_are_refused_not_dropped(client):
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="chat-local", messages=ASK, tools=tools)
    assert refused.value.code == "unsupported_parameter" and refused.value.param == "tools"


def test_both_bounds_are_refused(client, model):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=ASK, max_tokens=4, max_completion_tokens=4)
    assert refused.value.type == "invalid_request_error"


def test_too_long_a_prompt(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="chat-local", messages=[{"role": "user", "content": "blue " * 6000}], max_tokens=TOKENS)
    assert refused.value.code == "context_length_exceeded"
