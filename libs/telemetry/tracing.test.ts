import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { createTracing } from './tracing.ts';

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  status: { code?: number; message?: string };
  links?: { spanId: string }[];
}
interface OtlpBody {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}

async function startCollector(t: TestContext, status = 200) {
  const spans: (OtlpSpan & { service: string })[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    paths.push(request.url ?? '');
    const body = (await json(request)) as OtlpBody;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const name = resource.attributes.find(({ key }) => key === 'service.name');
      const service = name?.value.stringValue ?? '';
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((s) => ({ ...s, service }))));
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { spans, paths, endpoint: `http://127.0.0.1:${port}` };
}

it('joins the spans of several services into one trace and sends them on close', async (t) => {
  const collector = await startCollector(t);
  const source = createTracing({
    service: 'source',
    endpoint: collector.endpoint,
    delayMs: 60_000,
  });
  const apply = createTracing({ service: 'apply', endpoint: collector.endpoint, delayMs: 60_000 });
  const carried = await source.span('fetch', {}, async () =>
    source.span('publish', { kind: 'producer' }, async () => source.traceparent()),
  );
  assert.match(carried ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await apply.span('apply', { parent: carried }, async () => undefined);
  await Promise.all([source.close(), apply.close()]);

  const named = (name: string) => collector.spans.find((span) => span.name === name);
  assert.deepEqual(new Set(collector.paths), new Set(['/v1/traces']));
  assert.equal(named('fetch')?.service, 'source');
  assert.equal(named('apply')?.service, 'apply');
  assert.equal(new Set(collector.spans.map((span) => span.traceId)).size, 1);
  assert.equal(named('publish')?.parentSpanId, named('fetch')?.spanId);
  assert.equal(named('apply')?.parentSpanId, named('publish')?.spanId);
});

it('sends soon without being closed', async (t) => {
  const collector = await startCollector(t);
  const tracing = createTracing({ service: 's', endpoint: `${collector.endpoint}/`, delayMs: 10 });
  t.after(() => tracing.close());
  await tracing.span('early', {}, async () => undefined);
  const deadline = Date.now() + 5_000;
  while (collector.spans.length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(collector.spans[0]?.name, 'early');
});

it('records a failure without its secrets and throws it on', async (t) => {
  const collector = await startCollector(t);
  const tracing = createTracing({ service: 's', endpoint: collector.endpoint });
  const failure = new Error('no access to https://u:geheim@h/');
  await assert.rejects(
    tracing.span('fails', {}, () => Promise.reject(failure)),
    failure,
  );
  await tracing.close();
  assert.deepEqual(collector.spans[0]?.status, { code: 2, message: 'no access to https://***@h/' });
  assert.doesNotMatch(JSON.stringify(collector.spans), /geheim/);
});

it('masks secrets in attributes, events and links, however they were set', async (t) => {
  const collector = await startCollector(t);
  const tracing = createTracing({ service: 's', endpoint: collector.endpoint });
  const url = 'https://u:geheim@h/x.git?any=geheim';
  await tracing.span(
    'fetch',
    { attributes: { 'url.full': url, password: 'geheim' } },
    async (span) => {
      span.setAttribute('urls', [url, 'https://h/?q=geheim']);
      span.addEvent('redirect', { to: url });
      span.addLink({ context: span.spanContext(), attributes: { from: url } });
      span.recordException(new Error(`no access to ${url}`));
    },
  );
  await tracing.close();
  const sent = JSON.stringify(collector.spans);
  assert.match(sent, /https:\/\/\*\*\*@h\/x\.git\?any=\*\*\*/);
  assert.doesNotMatch(sent, /geheim/);
});

it('lets ids flow without a collector, and begins a new trace at a malformed parent', async () => {
  const tracing = createTracing({ service: 's', endpoint: '' });
  assert.equal(tracing.traceparent(), undefined);
  await tracing.span('a', { parent: 'nonsense' }, async () => {
    assert.match(tracing.traceparent() ?? '', /^00-/);
  });
  await tracing.close();
});

it('goes on when the collector is away or fails', async (t) => {
  const failing = await startCollector(t, 400);
  for (const endpoint of ['http://127.0.0.1:1', failing.endpoint]) {
    const tracing = createTracing({ service: 's', endpoint, timeoutMs: 300 });
    assert.equal(await tracing.span('a', {}, async () => 7), 7);
    await tracing.close();
  }
});

it('links to other traces', async (t) => {
  const collector = await startCollector(t);
  const tracing = createTracing({ service: 's', endpoint: collector.endpoint });
  const link = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await tracing.span('a', { links: [link, 'nonsense'] }, async () => undefined);
  await tracing.close();
  assert.deepEqual(
    collector.spans[0]?.links?.map((to) => to.spanId),
    ['b7ad6b7169203331'],
  );
});
