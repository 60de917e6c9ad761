"""Responses, embeddings, models and the client's exceptions."""
import asyncio
import base64
import struct

import openai
import pytest

ORDER = ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
         "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"]


def check_response(response, model):
    assert response.object == "response" and response.model == model
    assert response.id.startswith("resp_") and len(response.id) == len("resp_") + 32
    assert response.output_text
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    if response.status == "incomplete":
        assert response.incomplete_details.reason == "max_output_tokens"
    else:
        assert response.status == "completed"


def test_response(client, model):
    check_response(client.responses.create(model=model, input="Say the word blue.", max_output_tokens=16), model)


def test_response_of_items(client, model):
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Say the word blue."}]}]
    check_response(client.responses.create(model=model, input=items, instructions="Answer with one word.", max_output_tokens=16), model)


def test_response_events_are_complete_and_in_order(client, model):
    events = list(client.responses.create(model=model, input="Say the word blue.", max_output_tokens=16, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    seen = [kind for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
    assert seen[:-1] == ORDER[:-1] and seen[-1] in ("response.completed", "response.incomplete")
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == next(event.text for event in events if event.type == "response.output_text.done") == events[-1].response.output_text
    check_response(events[-1].response, model)


def test_response_stream_helper(client, model):
    with client.responses.stream(model=model, input="Say the word blue.", max_output_tokens=64) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response() if kinds[-1] == "response.completed" else None
    assert kinds[0] == "response.created" and kinds[-1] in ("response.completed", "response.incomplete")
    assert final is None or final.output_text


def test_async_response(live):
    async def main():
        async with openai.AsyncOpenAI(base_url=live.v1, api_key=live.key, max_retries=0, timeout=60) as client:
            whole = await client.responses.create(model="chat-local", input="Say blue.", max_output_tokens=16)
            stream = await client.responses.create(model="chat-local", input="Say blue.", max_output_tokens=16, stream=True)
            return whole, [event.type async for event in stream]
    whole, kinds = asyncio.run(main())
    assert whole.output_text and kinds[-1] in ("response.completed", "response.incomplete")


def test_a_pointer_to_stored_state_is_refused(client):
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.create(model="chat-local", input="Go on.", previous_response_id="resp_0123")
    assert refused.value.status_code in (400, 404)


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5


def test_embeddings_by_default(client):
    """Without a format the client asks for base64 and decodes it itself."""
    answer = client.embeddings.create(model="embed-local", input=["a cat sleeps", "a kitten naps", "tax law of 1907"])
    assert answer.object == "list" and answer.model == "embed-local"
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    vectors = [entry.embedding for entry in answer.data]
    assert all(len(vector) == 384 and all(isinstance(value, float) for value in vector) for vector in vectors)
    assert cosine(vectors[0], vectors[1]) > cosine(vectors[0], vectors[2]) + 0.1
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_embeddings_as_floats_and_base64_are_the_same(client):
    floats = client.embeddings.create(model="embed-local", input="blue", encoding_format="float").data[0].embedding
    text = client.embeddings.create(model="embed-local", input="blue", encoding_format="base64").data[0].embedding
    packed = struct.unpack("<384f", base64.b64decode(text))
    assert len(floats) == 384 and max(abs(a - b) for a, b in zip(floats, packed)) < 1e-5


def test_embeddings_batch(client):
    answer = client.embeddings.create(model="embed-local", input=[f"sentence number {i}" for i in range(64)])
    assert [entry.index for entry in answer.data] == list(range(64))


def test_embeddings_refusals(client):
    for wrong in (dict(input=[]), dict(input=["blue", 7]), dict(input="blue", dimensions=0), dict(input="blue", encoding_format="hex")):
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model="embed-local", **wrong)


def test_too_long_an_input_is_the_callers_error(client):
    """It must not count as a failure of the model either: the next request is served."""
    for _ in range(4):
        with pytest.raises(openai.BadRequestError) as refused:
            client.embeddings.create(model="embed-local", input="blue " * 2000)
        assert refused.value.code == "context_length_exceeded"
    assert client.embeddings.create(model="embed-local", input="blue").data


def test_models(client):
    models = list(client.models.list())
    assert {"chat-local", "chat-managed", "embed-local"} <= {model.id for model in models}
    assert all(model.object == "model" and model.owned_by == "wye" for model in models)
    assert client.models.retrieve("chat-local").id == "chat-local"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_alias_and_a_name_with_a_slash(gateway):
    with openai.OpenAI(base_url=gateway.v1, api_key=gateway.key, max_retries=0) as client:
        assert client.models.retrieve("chat-local").id == "chat-local"
        for name in ("gpt-local", "org/chat"):
            answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hi"}], max_tokens=2)
            assert answer.choices[0].finish_reason


def test_exceptions(live, client):
    ask = dict(messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", **ask)
    assert missing.value.code == "model_not_found" and missing.value.request_id.startswith("req_")
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="chat-local", temperature=3, **ask)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="embed-local", **ask)
    with openai.OpenAI(base_url=live.v1, api_key="sk-not-a-key", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError) as denied:
        stranger.models.list()
    assert denied.value.code == "invalid_api_key"
