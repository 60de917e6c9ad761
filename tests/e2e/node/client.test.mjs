// The official Node client against the same world as the Python tests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';

const startMs = 180_000;
const ask = [{ role: 'user', content: 'Say the word blue.' }];
let server, world, client;

before(async () => {
  server = spawn('python3', [new URL('../../support/serve.py', import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((_, reject) => server.once('exit', (code) => reject(new Error(`the world ended with ${code}`))));
  ended.catch(() => {});
  const line = new Promise((resolve) => createInterface({ input: server.stdout }).once('line', resolve));
  world = JSON.parse(await Promise.race([line, ended]));
  client = new OpenAI({ baseURL: world.v1, apiKey: world.key, maxRetries: 0, timeout: 60_000 });
}, { timeout: startMs });

after(async () => {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.stdin.end();
  if (server.exitCode === null) assert.equal(await ended, 0);
}, { timeout: startMs });

for (const model of ['chat-local', 'chat-managed']) {
  test(`chat ${model}`, async () => {
    const answer = await client.chat.completions.create({ model, messages: ask, max_tokens: 8 });
    assert.equal(answer.model, model);
    assert.match(answer.id, /^chatcmpl-[0-9a-f]{32}$/);
    assert.ok(answer.choices[0].message.content);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  test(`stream ${model}`, async () => {
    let text = '';
    let finish = null;
    let usage = null;
    const stream_options = { include_usage: true };
    const stream = await client.chat.completions.create({ model, messages: ask, max_tokens: 8, stream: true, stream_options });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.ok(text);
    assert.ok(['stop', 'length'].includes(finish));
    assert.ok(usage.completion_tokens > 0);
  });

  test(`stream helper ${model}`, async () => {
    const runner = client.chat.completions.stream({ model, messages: ask, max_tokens: 8 });
    const deltas = [];
    runner.on('content', (delta) => deltas.push(delta));
    const final = await runner.finalChatCompletion();
    assert.equal(deltas.join(''), final.choices[0].message.content);
  });

  test(`responses ${model}`, async () => {
    const answer = await client.responses.create({ model, input: 'Say the word blue.', max_output_tokens: 16 });
    assert.ok(answer.output_text);
    assert.match(answer.id, /^resp_/);
  });

  test(`responses stream ${model}`, async () => {
    const events = [];
    for await (const event of await client.responses.create({ model, input: 'Say blue.', max_output_tokens: 16, stream: true })) events.push(event);
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
    assert.equal(events[0].type, 'response.created');
    assert.ok(['response.completed', 'response.incomplete'].includes(events.at(-1).type));
  });

  test(`completions ${model}`, async () => {
    const answer = await client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 8 });
    assert.ok(answer.choices[0].text);
  });
}

test('embeddings by default and as floats', async () => {
  const byDefault = await client.embeddings.create({ model: 'embed-local', input: ['blue', 'green'] });
  assert.deepEqual(byDefault.data.map((entry) => entry.embedding.length), [384, 384]);
  const floats = await client.embeddings.create({ model: 'embed-local', input: 'blue', encoding_format: 'float' });
  assert.ok(floats.data[0].embedding.every((value, i) => Math.abs(value - byDefault.data[0].embedding[i]) < 1e-4));
});

test('models', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('chat-local') && names.includes('chat-managed'));
  assert.equal((await client.models.retrieve('chat-local')).owned_by, 'wye');
});

test('errors become the classes of the client', async () => {
  const unknown = (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found';
  await assert.rejects(client.chat.completions.create({ model: 'nope', messages: ask }), unknown);
  await assert.rejects(client.chat.completions.create({ model: 'chat-local', messages: ask, temperature: 9 }), OpenAI.BadRequestError);
  await assert.rejects(client.chat.completions.create({ model: 'chat-managed', messages: [{ role: 'user', content: 'wye-filter-hate' }] }),
    (error) => error instanceof OpenAI.BadRequestError && error.code === 'content_filter');
  const stranger = new OpenAI({ baseURL: world.v1, apiKey: 'sk-wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test('AzureOpenAI', async () => {
  const azure = new AzureOpenAI({ endpoint: world.base, apiKey: world.key, apiVersion: '2024-10-21', maxRetries: 0 });
  const answer = await azure.chat.completions.create({ model: 'chat-managed', messages: ask, max_tokens: 8 });
  assert.ok(answer.choices[0].message.content);
});

test('an aborted stream frees the slot', async () => {
  const stream = await client.chat.completions.create({ model: 'chat-local', messages: ask, max_tokens: 1500, stream: true, ignore_eos: true });
  let count = 0;
  for await (const _ of stream) if (++count === 5) break;
  const begin = performance.now();
  const busy = async () => (await (await fetch(`${world.llama}/slots`)).json()).some((slot) => slot.is_processing);
  while (await busy()) assert.ok(performance.now() - begin < 2000, 'a slot is busy for two seconds after the abort');
});
