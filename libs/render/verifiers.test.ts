import { deepEqual, equal, rejects } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, type TestContext, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { buildVerifier, createVerifiers, type KeylessRequest, type RenderError } from './index.ts';
import { until } from './testing/pool.ts';

const SAMPLES = new URL('./verifier/testdata/signatures.json', import.meta.url);
const options = { tenant: 'apps' };
let request: KeylessRequest;
before(async () => {
  const { digest, keyless } = JSON.parse(await readFile(SAMPLES, 'utf8'));
  const signature = { bundle: Buffer.from(JSON.stringify(keyless.bundle)) };
  request = { digest, trustedRoot: keyless.trustedRoot, identities: [], signature };
  await buildVerifier();
});

function open(t: TestContext, more: { binary?: string; idleMs?: number } = {}) {
  const log = createLogger({ service: 'test', level: 'fatal' });
  const verifiers = createVerifiers({ log, ...more });
  t.after(() => verifiers.close());
  return verifiers;
}

function reason(expected: string) {
  return (error: RenderError) => error.reason === expected;
}

test('a verifier starts with the first signature, and stops when there are none', async (t) => {
  const verifiers = open(t, { idleMs: 50 });
  deepEqual(verifiers.pids(), []);
  deepEqual(await verifiers.keyless(request, options), { verified: true });
  equal(verifiers.pids().length, 1);
  await until(() => verifiers.pids().length === 0, 'the verifier has stopped');
  deepEqual(await verifiers.keyless(request, options), { verified: true });
});

test('many signatures of two tenants are verified by two verifiers at most', async (t) => {
  const verifiers = open(t);
  const asked = Array.from({ length: 60 }, (_, index) =>
    verifiers.keyless(request, { tenant: index % 2 === 0 ? 'apps' : 'shop' }),
  );
  const results = await Promise.all(asked);
  equal(results.filter(({ verified }) => verified).length, 60);
  equal(verifiers.pids().length <= 2, true);
});

test('a root that is none is the fault of the request, and the verifier goes on', async (t) => {
  const verifiers = open(t);
  const bad = { ...request, trustedRoot: '[' };
  await rejects(verifiers.keyless(bad, options), reason('InvalidRequest'));
  const [pid] = verifiers.pids();
  deepEqual(await verifiers.keyless(request, options), { verified: true });
  deepEqual(verifiers.pids(), [pid]);
});

test('what cannot be verified says so', async (t) => {
  const missing = open(t, { binary: '/nowhere/weir-verifier' });
  await rejects(missing.keyless(request, options), reason('EngineUnavailable'));
  const verifiers = open(t);
  await rejects(
    verifiers.keyless(request, { ...options, signal: AbortSignal.abort() }),
    reason('Aborted'),
  );
  await verifiers.close();
  await rejects(verifiers.keyless(request, options), reason('Closed'));
});
