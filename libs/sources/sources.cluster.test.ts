// Sources against a real API server and a real NATS: what effects a message may have, and which it may not have.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Artifact, GitRepository } from '@weir/api';
import { publishArtifact } from '@weir/artifact';
import { until } from '@weir/cluster';
import { type Platform, publishFiles, startPlatform } from '@weir/kit';
import type { KubeClient } from '@weir/kube';
import { type ArtifactChange, createSources, type Sources } from './sources.ts';

const WAIT = { timeoutMs: 10_000 };
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let p: Platform;
let sources: Sources;
let changes: ArtifactChange[];
let reads: string[];
/** Set by a test in which the watch must not show anything more. */
let isWatchHeld: boolean;

before(async () => {
  p = await startPlatform();
});
after(() => p?.close());

beforeEach(() => {
  reads = [];
  changes = [];
  isWatchHeld = false;
  sources = createSources({ client: observed(p.client), bus: p.bus, log: p.log });
  sources.onArtifact((change) => changes.push(change));
});
afterEach(() => sources.close());

/** The same client, but its reads are counted and its watches can be held back. */
function observed(client: KubeClient): KubeClient {
  return {
    ...client,
    discovery: client.discovery,
    get(type, ref, options) {
      reads.push(`${ref.namespace}/${ref.name}`);
      return client.get(type, ref, options);
    },
    async *listWatch(type, options) {
      for await (const event of client.listWatch(type, options)) {
        while (isWatchHeld) await new Promise((resolve) => setImmediate(resolve));
        yield event as never;
      }
    },
  } as KubeClient;
}

async function publish(
  namespace: string,
  n: number,
  options: { announce?: boolean; traceparent?: string } = {},
) {
  const files = { 'a.txt': `${namespace} ${n}` };
  return publishFiles(p, namespace, files, { revision: `main@sha1:${n}`, ...options });
}

function announce(namespace: string, uid: string, artifact: Artifact, resourceVersion = '1'): void {
  const object = { kind: 'GitRepository', namespace, name: 'git', uid };
  publishArtifact(p.bus, { ...object, resourceVersion, artifact }, TRACEPARENT);
}

const find = (namespace: string) => sources.find({ kind: 'GitRepository', namespace, name: 'git' });
const published = (namespace: string, { revision }: Artifact) =>
  until(
    () =>
      changes.find(
        ({ source, artifact }) =>
          source === `GitRepository/${namespace}/git` && artifact.revision === revision,
      ),
    { ...WAIT, message: `${revision} in ${namespace}` },
  );
async function uidOf(namespace: string): Promise<string> {
  const { metadata } = await p.client.get(GitRepository, { namespace, name: 'git' });
  return metadata.uid ?? '';
}

test('an artifact is published once, with the trace of its message', async () => {
  const ns = await p.namespace();
  await publish(ns, 1);
  assert.equal((await find(ns))?.artifact?.revision, 'main@sha1:1');
  assert.deepEqual(changes, [], 'what is listed first is no change');
  const second = await publish(ns, 2, { traceparent: TRACEPARENT });
  assert.equal((await published(ns, second)).traceparent, TRACEPARENT);
  const silent = await publish(ns, 3, { announce: false });
  assert.equal((await published(ns, silent)).traceparent, undefined);
  assert.equal(changes.length, 2);
  assert.deepEqual(reads, [], 'the watch showed it all');
});

test('a source that is not there, and a kind that is not served', async () => {
  const ns = await p.namespace();
  assert.equal(await find(ns), undefined);
  await assert.rejects(sources.find({ kind: 'Nothing', namespace: ns, name: 'b' }), /no matches/);
});

test('what a message says is never believed, whatever its version', async () => {
  const ns = await p.namespace();
  const first = await publish(ns, 1);
  await find(ns);
  const uid = await uidOf(ns);
  const forged = { ...first, revision: 'main@sha1:forged', digest: `sha256:${'0'.repeat(64)}` };
  announce(ns, uid, forged, '99999999999999999999');
  await until(() => reads.length === 1, { ...WAIT, message: 'the question to the API server' });
  assert.equal((await find(ns))?.artifact?.revision, first.revision);
  const next = await publish(ns, 2);
  await published(ns, next);
  assert.deepEqual(
    changes.map(({ artifact }) => artifact.revision),
    ['main@sha1:2'],
  );
});

test('a flood of forged messages costs some reads, and delays nobody', async () => {
  const [ns, other] = [await p.namespace(), await p.namespace()];
  const first = await publish(ns, 1);
  await publish(other, 1);
  await find(ns);
  const uid = await uidOf(ns);
  const started = performance.now();
  for (let n = 0; n < 2_000; n++) {
    announce(ns, uid, { ...first, revision: `main@sha1:forged-${n}` }, String(10 ** 12 + n));
  }
  const next = await publish(other, 2, { traceparent: TRACEPARENT });
  await published(other, next);
  const marker = await publish(ns, 2, { announce: false });
  await published(ns, marker);
  const seconds = (performance.now() - started) / 1_000;
  assert.ok(reads.length <= 20 * seconds + 1, `${reads.length} reads in ${seconds} s`);
  assert.deepEqual(
    changes.filter(({ artifact }) => artifact.revision.includes('forged')),
    [],
  );
});

test('where the watch is behind a message, the API server is asked', async () => {
  const ns = await p.namespace();
  await publish(ns, 1);
  await find(ns);
  isWatchHeld = true;
  const next = await publish(ns, 2, { traceparent: TRACEPARENT });
  try {
    assert.equal((await published(ns, next)).traceparent, TRACEPARENT);
    assert.equal((await find(ns))?.artifact?.revision, next.revision);
    assert.deepEqual(reads, [`${ns}/git`]);
  } finally {
    isWatchHeld = false;
  }
});
