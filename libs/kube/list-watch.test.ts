import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { it, type TestContext } from 'node:test';
import type { ListWatchEvent } from './client.ts';
import { listWatch } from './list-watch.ts';
import type { KubeObject } from './object.ts';
import { ConfigMap } from './resources.ts';
import { configMap, listOf, type Script, scripted } from './testing/script.ts';
import { answer, refuse } from './testing/server.ts';
import { linesOf } from './watch.ts';

type Change = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

function send(stream: ServerHttp2Stream, ...events: [Change, object][]): ServerHttp2Stream {
  if (!stream.headersSent) stream.respond({ ':status': 200 });
  for (const [type, object] of events) stream.write(`${JSON.stringify({ type, object })}\n`);
  return stream;
}

function bookmark(resourceVersion: string): [Change, object] {
  return ['BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion } }];
}

/** Returns the first `count` events of a listWatch. */
async function read(t: TestContext, { caller }: Script, count: number): Promise<string[]> {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), 10_000);
  t.after(() => clearTimeout(late));
  const events: string[] = [];
  for await (const event of listWatch(caller, ConfigMap, { signal: stop.signal })) {
    events.push(describe(event));
    if (events.length === count) stop.abort();
  }
  return events;
}

function describe(event: ListWatchEvent<KubeObject>): string {
  switch (event.type) {
    case 'synced':
      return `synced ${event.resourceVersion}`;
    case 'error':
      return `error ${event.error.message}`;
    default:
      return `${event.type} ${event.object.metadata.name} ${event.object.metadata.resourceVersion}`;
  }
}

it('resumes from the version of the last event or bookmark', async (t) => {
  const script = await scripted(t, [
    (stream) => answer(stream, listOf([configMap('a', '5')], '10')),
    (stream) => send(stream, ['MODIFIED', configMap('a', '11')]).end(),
    (stream) => send(stream, bookmark('20')).end(),
    (stream) =>
      // The connection breaks after the half line was sent, as in a crash of the server.
      send(stream, ['DELETED', configMap('a', '21')]).write('{"half', () =>
        stream.session?.destroy(),
      ),
    (stream) => send(stream, ['ADDED', configMap('b', '22')]),
  ]);
  const events = await read(t, script, 6);
  assert.match(events[4] ?? '', /^error lost the connection/);
  assert.deepEqual(events.toSpliced(4, 1), [
    'added a 5',
    'synced 10',
    'modified a 11',
    'deleted a 21',
    'added b 22',
  ]);
  const watches = script.received.filter(({ query }) => query.has('watch'));
  assert.deepEqual(
    watches.map(({ query }) => query.get('resourceVersion')),
    ['10', '11', '20', '21'],
  );
  for (const { query } of watches) {
    assert.equal(query.get('allowWatchBookmarks'), 'true');
    const seconds = Number(query.get('timeoutSeconds'));
    assert.ok(seconds >= 300 && seconds <= 600);
  }
});

it('lists again when its resourceVersion is gone, and reports only what is new', async (t) => {
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
  const before = ['a', 'b', 'c', 'd'].map((name) => configMap(name, '1'));
  const after = [configMap('a', '1'), configMap('b', '9'), configMap('d', '9', 'u2')];
  const script = await scripted(t, [
    (stream) => answer(stream, listOf(before, '1')),
    (stream) => send(stream, ['ERROR', gone]).end(),
    (stream) => answer(stream, listOf(after, '10')),
    (stream) => refuse(stream, 410, 'Gone'),
    (stream) => answer(stream, listOf(after, '30')),
    (stream) => send(stream),
  ]);
  const events = await read(t, script, 11);
  assert.deepEqual(events.slice(5), [
    'modified b 9',
    'deleted d 1',
    'added d 9',
    'deleted c 1',
    'synced 10',
    // The second 410 in a row is reported and followed by a wait.
    'error Gone',
  ]);
});

it('corrects a server that repeats itself or forgot to begin', async (t) => {
  const script = await scripted(t, [
    (stream) => answer(stream, listOf([configMap('a', '5')], '5')),
    (stream) =>
      send(
        stream,
        ['ADDED', configMap('a', '5')],
        ['ADDED', configMap('a', '6')],
        ['MODIFIED', configMap('new', '7')],
        ['DELETED', configMap('never-received', '8')],
        ['ADDED', configMap('end', '9')],
      ),
  ]);
  assert.deepEqual(await read(t, script, 5), [
    'added a 5',
    'synced 5',
    'modified a 6',
    'added new 7',
    'added end 9',
  ]);
});

it('goes on after refusals and broken lists, and says so', async (t) => {
  const script = await scripted(t, [
    (stream) => refuse(stream, 403, 'Forbidden'),
    (stream) => answer(stream, listOf([configMap('a', '1')], '1', 'more')),
    (stream) => refuse(stream, 500, 'InternalError'),
    (stream) => answer(stream, listOf([configMap('b', '2')], '2')),
    (stream) => send(stream),
  ]);
  assert.deepEqual(await read(t, script, 6), [
    'error Forbidden',
    'added a 1',
    'error InternalError',
    'added b 2',
    'deleted a 1',
    'synced 2',
  ]);
});

it('ends without an error when its consumer leaves, and cancels the watch', async (t) => {
  const cancelled = Promise.withResolvers<void>();
  const script = await scripted(t, [
    (stream) => answer(stream, listOf([], '1')),
    (stream) => send(stream, ['ADDED', configMap('a', '2')]).on('close', cancelled.resolve),
  ]);
  const { signal } = new AbortController();
  for await (const event of listWatch(script.caller, ConfigMap, { signal })) {
    if (event.type === 'added') break;
  }
  await cancelled.promise;
});

it('cuts a stream of bytes into lines wherever the chunks end', async () => {
  const text = 'one\ntwo ü\n\nthree\ncut';
  for (let size = 1; size <= text.length; size += 1) {
    const bytes = Buffer.from(text);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const lines: string[] = [];
    for await (const line of linesOf(from(chunks))) lines.push(line);
    assert.deepEqual(lines, ['one', 'two ü', 'three'], `chunks of ${size}`);
  }
});

async function* from(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
