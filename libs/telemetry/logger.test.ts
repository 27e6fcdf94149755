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

it('writes a bounded line whatever is logged', () => {
  const { lines, destination } = capture();
  const log = createLogger({ service: 's', level: 'info', destination });
  const long = '"\\'.repeat(8_000_000);
  log.error({ err: new Error(long), text: long, list: Array(50).fill(long) }, long);
  log.child({ binding: long }).error('%s and %s', long, long);
  log.error(new Error(long));
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.ok(line.length < 1_000_000, `${line.length} characters`);
    assert.equal(JSON.parse(line).service, 's');
    assert.match(line, /\[cut: the text has \d+ characters\]/);
  }
});

it('masks query values, webhook paths and private keys in every field', () => {
  const { lines, destination } = capture();
  const log = createLogger({ service: 's', level: 'info', destination });
  const key = '-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----';
  log.info({
    url: 'https://h/x.git?any=geheim',
    key,
    hook: 'https://hooks.slack.com/services/geheim',
  });
  log.child({ url: 'https://h/?q=geheim' }).info('got %s', 'https://h/?q=geheim');
  assert.equal(lines.length, 2);
  assert.doesNotMatch(lines.join(), /geheim/);
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
