import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it, type TestContext } from 'node:test';
import { type Answer, readBody, type ServeOptions, serveHttp } from './serve.ts';

async function serve(t: TestContext, answer: ServeOptions['answer'], concurrency = 4) {
  const failures: unknown[] = [];
  const failed = (error: unknown) => void failures.push(error);
  const service = await serveHttp({ port: 0, concurrency, answer, failed });
  t.after(() => service.close());
  return { url: `http://127.0.0.1:${service.port}/`, port: service.port, failures };
}

it('reads a body up to its bound, however it is announced', async (t) => {
  const { url } = await serve(t, async (request): Promise<Answer> => {
    const body = await readBody(request, 1_000);
    return body === undefined ? { status: 413 } : { status: 200, body: String(body.length) };
  });
  const post = async (body: RequestInit['body']) =>
    (await fetch(url, { method: 'POST', body: body ?? null, duplex: 'half' } as RequestInit))
      .status;
  assert.equal(await post('x'.repeat(1_000)), 200);
  assert.equal(await post('x'.repeat(1_001)), 413);
  // In parts, without a length before it.
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(500))),
  });
  assert.equal(await post(endless), 413);
});

it('answers 500 without a word of what went wrong', async (t) => {
  const { url, failures } = await serve(t, async () => {
    throw new Error('s3cret');
  });
  const response = await fetch(url);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), '');
  assert.equal(failures.length, 1);
});

it('answers 503 to more than it can take at a time', async (t) => {
  const held: (() => void)[] = [];
  const { url } = await serve(
    t,
    () => new Promise((resolve) => held.push(() => resolve({ status: 200 }))),
    2,
  );
  const first = [fetch(url), fetch(url)];
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await fetch(url)).status, 503);
  for (const release of held) release();
  for (const response of await Promise.all(first)) assert.equal(response.status, 200);
});

it('takes no second request out of a body that nobody read', async (t) => {
  const paths: (string | undefined)[] = [];
  const { port } = await serve(t, async ({ url }) => {
    paths.push(url);
    return { status: 404 };
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  assert.deepEqual(paths, ['/first']);
});
