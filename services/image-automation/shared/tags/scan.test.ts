// What objects that name the same image share, and what ends a listing.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTagRegistry, until } from '@weir/cluster';
import { createRegistries, OciError } from '@weir/oci';
import { createPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { unpackTags } from './packed.ts';
import { createScanner, type Wanted } from './scan.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const server = stack.adopt(await startTagRegistry(), (it) => it.close());
const log = createLogger({ service: 'test', level: 'fatal' });
const pool = stack.adopt(await createPool({ size: 1, log }), (it) => it.close());
const stop = new AbortController();
const { signal } = stop;
const clientOf = createRegistries({ allowLocal: true, environment: {} });
const SIGNATURES = ['^.*\\.sig$'];

beforeEach(() => server.clear());

function scannerWith(limits = { maxTags: 1_000_000, maxLength: 24 * 1024 ** 2 }) {
  return createScanner({ pool, limits, listings: 8, keptBytes: 1024 ** 2, signal });
}

function wanted(name: string, more: Partial<Wanted> = {}): Wanted {
  const access = { registry: server.host };
  return {
    ...{ tenant: 'apps', repository: { registry: server.host, name }, accessKey: 'anonymous' },
    ...{ registry: clientOf(access, 'anonymous'), exclusionList: SIGNATURES, timeoutMs: 20_000 },
    ...more,
  };
}

test('objects alike share one listing, whatever each of them leaves out', async () => {
  server.put('shared', ['1.0.0', '1.0.0.sig', 'dev-1']);
  const scanner = scannerWith();
  const own = { exclusionList: ['^dev'], tenant: 'other' };
  const [first, ...others] = await Promise.all([
    scanner.scan(wanted('shared'), 0, signal),
    ...Array.from({ length: 20 }, () => scanner.scan(wanted('shared'), 0, signal)),
    scanner.scan(wanted('shared', own), 0, signal),
  ]);
  equal(server.requests().length, 1);
  deepEqual(first.latest, ['dev-1', '1.0.0']);
  deepEqual(others.at(-1)?.latest, ['1.0.0.sig', '1.0.0']);
  // An interval later, what was asked for before is listed together.
  server.clear();
  await scanner.scan(wanted('shared'), 0, signal);
  const kept = await scanner.scan(wanted('shared', own), 60_000, signal);
  deepEqual(kept.latest, ['1.0.0.sig', '1.0.0']);
  equal(server.requests().length, 1);
});

test('other credentials are another listing', async () => {
  server.put('private', ['1.0.0']);
  const scanner = scannerWith();
  await scanner.scan(wanted('private'), 60_000, signal);
  await scanner.scan(wanted('private', { accessKey: 'other' }), 60_000, signal);
  equal(server.requests().length, 2);
});

test('a request never gets what was listed before it', async () => {
  server.put('fresh', ['1.0.0']);
  const scanner = scannerWith();
  await scanner.scan(wanted('fresh'), 0, signal);
  server.put('fresh', ['1.0.0', '1.1.0']);
  equal((await scanner.scan(wanted('fresh'), 60_000, signal)).count, 1);
  equal((await scanner.scan(wanted('fresh'), 0, signal)).count, 2);
});

test('who comes while a listing is under way gets the next one, unless an older one will do', async () => {
  const answers: (() => void)[] = [];
  server.answer('slow', (_, response) => {
    answers.push(() => response.end('{"tags":["a"]}'));
  });
  const scanner = scannerWith();
  const first = scanner.scan(wanted('slow'), 0, signal);
  await until(() => answers.length === 1, { timeoutMs: 20_000, message: 'the first request' });
  const routine = scanner.scan(wanted('slow'), 60_000, signal);
  const fresh = scanner.scan(wanted('slow'), 0, signal);
  answers[0]?.();
  await Promise.all([first, routine]);
  await until(() => answers.length === 2, { timeoutMs: 20_000, message: 'the second request' });
  answers[1]?.();
  await fresh;
  equal(server.requests().length, 2);
  server.answer('slow', undefined);
});

test('an object that waits for a short time only does not end the listing of others', async () => {
  let answer: (() => void) | undefined;
  server.answer('patient', (_, response) => {
    answer = () => response.end('{"tags":["a"]}');
  });
  const scanner = scannerWith();
  const short = scanner.scan(wanted('patient', { timeoutMs: 50 }), 0, signal);
  const long = scanner.scan(wanted('patient'), 60_000, signal);
  const late = /listing the tags of 127\.0\.0\.1:\d+\/patient: context deadline exceeded/;
  await rejects(short, (error) => error instanceof OciError && late.test(error.message));
  await until(() => answer !== undefined, { timeoutMs: 20_000, message: 'the request' });
  answer?.();
  equal((await long).count, 1);
  server.answer('patient', undefined);
});

test('a listing ends when nobody waits for it any more', async () => {
  let [isAsked, isClosed] = [false, false];
  server.answer('forsaken', (_, response) => {
    isAsked = true;
    response.on('close', () => {
      isClosed = true;
    });
  });
  const scanner = scannerWith();
  const gone = new AbortController();
  const waiting = scanner.scan(wanted('forsaken'), 0, gone.signal);
  await until(() => isAsked, { timeoutMs: 20_000, message: 'the request' });
  gone.abort(new Error('deleted'));
  await rejects(waiting, /deleted/);
  await until(() => isClosed, { timeoutMs: 20_000, message: 'the end of the listing' });
  // The next one begins at once.
  server.answer('forsaken', undefined);
  server.put('forsaken', ['1.0.0']);
  equal((await scanner.scan(wanted('forsaken'), 0, signal)).count, 1);
});

test('one expression that is none, or is slow, fails for its own object only', async () => {
  server.put(
    'mixed',
    Array.from({ length: 2_000 }, (_, index) => `${'a'.repeat(120)}${index}`),
  );
  const scanner = scannerWith();
  const [good, bad, slow] = await Promise.allSettled([
    scanner.scan(wanted('mixed'), 0, signal),
    scanner.scan(wanted('mixed', { exclusionList: ['^ok$', '(?!x)y'] }), 0, signal),
    scanner.scan(wanted('mixed', { exclusionList: Array(25).fill('(x*a?){500}b') }), 0, signal),
  ]);
  equal(good.status === 'fulfilled' && good.value.count, 2_000);
  match(
    String(bad.status === 'rejected' && bad.reason),
    /failed to compile regex \(\?!x\)y: error parsing regexp: invalid or unsupported Perl syntax: `\(\?!`/,
  );
  match(String(slow.status === 'rejected' && slow.reason), /took longer/);
});

test('a list that did not change is not sent again where the registry knows ETags', async () => {
  const tagged = stack.adopt(await startTagRegistry(), (it) => it.close());
  tagged.useETags();
  const tags = Array.from({ length: 25 }, (_, index) => `1.${index}.0`);
  tagged.put('app', tags, 10);
  const scanner = scannerWith();
  const repository = { registry: tagged.host, name: 'app' };
  const own = { repository, registry: clientOf({ registry: tagged.host }, 'tagged') };
  const before = await scanner.scan(wanted('app', own), 0, signal);
  tagged.clear();
  equal(await scanner.scan(wanted('app', own), 0, signal), before);
  equal(tagged.requests().length, 3);
  tagged.put('app', [...tags, '2.0.0'], 10);
  const now = await scanner.scan(wanted('app', own), 0, signal);
  equal(now.count, 26);
  equal(now.latest[0], '2.0.0');
});

test('a million tags are listed and sorted, and nobody else is kept waiting', async () => {
  const count = 1_000_000;
  const tags = Array.from({ length: count }, (_, index) => `build-${(index * 7_919) % count}`);
  server.put('many', tags, 20_000);
  let longest = 0;
  let last = performance.now();
  const ticking = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const found = await scannerWith().scan(wanted('many'), 0, signal);
  clearInterval(ticking);
  equal(found.count, count);
  deepEqual(found.latest.slice(0, 3), ['build-999999', 'build-999998', 'build-999997']);
  const text = await unpackTags(found);
  equal(text.length, found.length);
  ok(longest < 2_000, `${longest} ms`);
});

test('a list beyond the bounds is refused, and the message names the flag or the number', async () => {
  server.put(
    'much',
    Array.from({ length: 3_000 }, (_, index) => `build-${index}`),
  );
  const few = scannerWith({ maxTags: 2_000, maxLength: 1e6 }).scan(wanted('much'), 0, signal);
  await rejects(few, /the repository has more than 2000 tags/);
  const short = scannerWith({ maxTags: 1e6, maxLength: 20_000 }).scan(wanted('much'), 0, signal);
  await rejects(short, /more than 20000 characters \(--image-max-tag-bytes\)/);
});

test('a registry that hangs holds up nobody else, and a stop ends all of it', async () => {
  server.answer('hangs', () => undefined);
  server.put('fine', ['1.0.0']);
  const ending = new AbortController();
  const scanner = createScanner({
    ...{ pool, limits: { maxTags: 1e6, maxLength: 1e6 }, listings: 4, keptBytes: 1e6 },
    signal: ending.signal,
  });
  const hanging = Array.from({ length: 10 }, (_, index) =>
    scanner.scan(wanted('hangs', { accessKey: `k${index}`, tenant: 'evil' }), 0, ending.signal),
  );
  const settled = Promise.allSettled(hanging);
  await sleep(0);
  equal((await scanner.scan(wanted('fine'), 0, signal)).count, 1);
  ending.abort(new Error('stopping'));
  for (const one of await settled) equal(one.status, 'rejected');
  server.answer('hangs', undefined);
});
