import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLogger } from './logger.ts';
import { createTracing } from './tracing.ts';

function capture() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

it('writes one JSON object a line with level, time, service and message', () => {
  const { lines, destination } = capture();
  createLogger({ service: 'source', level: 'info', destination }).info({ a: 1 }, 'hello');
  const record = JSON.parse(lines[0] ?? '');
  assert.equal(record.level, 'info');
  assert.equal(record.service, 'source');
  assert.equal(record.msg, 'hello');
  assert.equal(record.a, 1);
  assert.match(record.ts, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

it('keeps secrets out of fields, bindings, messages and errors', () => {
  const { lines, destination } = capture();
  const log = createLogger({ service: 's', level: 'info', destination }).child({
    token: 'geheim1',
  });
  const failure = Object.assign(new Error('clone of https://u:geheim2@h/x failed'), {
    request: { headers: { authorization: 'geheim3' } },
  });
  log.error({ err: failure, auth: { password: 'geheim4' } }, 'from https://geheim5@h/x');
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(), /geheim/);
  assert.match(JSON.parse(lines[0] ?? '').err.message, /clone of https:\/\/\*\*\*@h\/x failed/);
});

it('names the active span', async () => {
  const { lines, destination } = capture();
  const log = createLogger({ service: 's', level: 'info', destination });
  const tracing = createTracing({ service: 's' });
  await tracing.span('work', {}, async (span) => {
    log.info('inside');
    assert.equal(JSON.parse(lines[0] ?? '').trace_id, span.spanContext().traceId);
  });
  await tracing.close();
});

it('refuses an unknown level', () => {
  assert.throws(() => createLogger({ service: 's', level: 'loud' }), /unknown log level "loud"/);
});

it('prints lines for a person', () => {
  const { lines, destination } = capture();
  const log = createLogger({ service: 'source', level: 'info', pretty: true, destination });
  log.warn({ object: 'a/b', note: 'two words' }, 'careful');
  assert.match(lines[0] ?? '', /WARN .*source.* careful .*object=.*a\/b .*"two words"\n$/);
  log.error(new Error('broken'));
  assert.match(lines[1] ?? '', /ERROR[\s\S]*Error: broken\n {6}at /);
});
