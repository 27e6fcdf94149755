import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type Artifact, ExternalArtifact, GitRepository, type Kind } from '@weir/api';
import { announcedArtifacts, artifactPath, publishArtifact } from '@weir/artifact';
import { packInMemory, putArtifact } from '@weir/artifact/testing';
import { until } from '@weir/cluster';
import { joinMembership, type Membership } from '@weir/controller';
import { type Platform, RUNTIME, startPlatform } from '@weir/kit';
import { objectKey } from '@weir/kube';
import { type CollectedKind, collectRegularly } from './garbage.ts';
import type { SourceObject } from './source.ts';

const WAIT = { timeoutMs: 10_000, intervalMs: 20 };
const KINDS: Kind[] = [GitRepository, ExternalArtifact];

describe('the garbage collection of artifacts', () => {
  let platform: Platform;
  let membership: Membership;
  let contents = 0;

  before(async () => {
    platform = await startPlatform();
    const { client, log, stack } = platform;
    const options = { client, namespace: RUNTIME, service: 'garbage', instance: 'one', log };
    membership = await joinMembership(options);
    stack.defer(() => membership.close());
  });
  after(() => platform?.close());

  /** Stores an artifact with unique content for an object of the kind. */
  async function store({ kind }: Kind, namespace: string, name: string): Promise<Artifact> {
    const content = Buffer.from(`content ${++contents}`);
    const packed = await packInMemory([{ path: 'file', mode: 0o644, content }]);
    await putArtifact(platform.store, packed);
    const { digest, size } = packed;
    const path = artifactPath(kind, namespace, name, digest);
    const lastUpdateTime = '2026-01-01T00:00:00Z';
    return {
      digest,
      size,
      path,
      url: `http://artifacts/${path}`,
      revision: digest,
      lastUpdateTime,
    };
  }

  /** A kind with these objects, as the collection sees it; `rounds` counts the collections that have begun. */
  function kindWith(kind: Kind, objects: SourceObject[] = []) {
    const state = { objects, synced: true, rounds: 0 };
    const collected: CollectedKind = {
      kind,
      informer: {
        list: () => state.objects,
        get: (key) => state.objects.find((object) => objectKey(object) === key),
        hasSynced: () => state.synced,
      },
      async tidy() {
        state.rounds += 1;
      },
    };
    return { state, collected };
  }

  function objectOf(kind: Kind, namespace: string, name: string, artifact: Artifact): SourceObject {
    return {
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: { namespace, name, uid: name, generation: 1, resourceVersion: '1' },
      spec: { interval: '1h' },
      status: { artifact },
    };
  }

  /** Collects until the test ends. */
  function collect(t: TestContext, kinds: CollectedKind[], retentionMs = 0): void {
    const { bus, log } = platform;
    const stop = new AbortController();
    const collecting = collectRegularly({
      ...{ kinds, membership, store: platform.store, bus, retentionMs, everyMs: 20, log },
      signal: stop.signal,
    });
    t.after(async () => {
      stop.abort();
      await collecting;
    });
  }

  const isStored = ({ digest }: Artifact) => platform.store.has(digest);
  const isRemoved = (artifact: Artifact) => async () => !(await isStored(artifact));

  it('keeps what an object of any kind refers to, and removes what none does', async (t) => {
    const kept = await Promise.all(KINDS.map((kind) => store(kind, 'apps', 'kept')));
    const garbage = await Promise.all(KINDS.map((kind) => store(kind, 'apps', 'garbage')));
    const kinds = KINDS.map((kind, n) =>
      kindWith(
        kind,
        kept.slice(n, n + 1).map((artifact) => objectOf(kind, 'apps', 'kept', artifact)),
      ),
    );
    collect(
      t,
      kinds.map(({ collected }) => collected),
    );
    for (const artifact of garbage) {
      await until(isRemoved(artifact), { ...WAIT, message: 'the garbage to be removed' });
    }
    for (const artifact of kept) assert.ok(await isStored(artifact));

    // A deleted object no longer refers to its artifact, whatever its kind is.
    for (const { state } of kinds) state.objects = [];
    for (const artifact of kept) {
      await until(isRemoved(artifact), { ...WAIT, message: 'the artifact of a deleted object' });
    }
  });

  it('removes nothing until the objects of every kind are known', async (t) => {
    const artifact = await store(ExternalArtifact, 'apps', 'unknown');
    const known = kindWith(GitRepository);
    const unread = kindWith(ExternalArtifact);
    unread.state.synced = false;
    collect(t, [known.collected, unread.collected]);
    await until(() => unread.state.rounds >= 3, { ...WAIT, message: 'three rounds' });
    assert.ok(await isStored(artifact));
    unread.state.synced = true;
    await until(isRemoved(artifact), { ...WAIT, message: 'the artifact to be removed' });
  });

  it('keeps what was stored within the retention time', async (t) => {
    const artifact = await store(GitRepository, 'apps', 'recent');
    const kind = kindWith(GitRepository);
    collect(t, [kind.collected], 3_600_000);
    await until(() => kind.state.rounds >= 3, { ...WAIT, message: 'three rounds' });
    assert.ok(await isStored(artifact));
  });

  it('withdraws the announcements of deleted objects of every kind, and of no others', async (t) => {
    const { bus } = platform;
    const kinds = KINDS.map((kind) => kindWith(kind));
    for (const [n, kind] of KINDS.entries()) {
      for (const name of ['stays', 'deleted']) {
        const artifact = await store(kind, 'apps', name);
        const object = objectOf(kind, 'apps', name, artifact);
        if (name === 'stays') kinds[n]?.state.objects.push(object);
        const version = { uid: name, generation: 1, resourceVersion: '1' };
        publishArtifact(bus, { kind: kind.kind, namespace: 'apps', name, ...version, artifact });
      }
    }
    const announced = (kind: Kind) => async () =>
      (await announcedArtifacts(bus, kind))
        .map(({ name }) => name)
        .toSorted()
        .join();
    for (const kind of KINDS) {
      await until(async () => (await announced(kind)()) === 'deleted,stays', {
        ...WAIT,
        message: 'both announcements',
      });
    }
    collect(
      t,
      kinds.map(({ collected }) => collected),
    );
    for (const kind of KINDS) {
      await until(async () => (await announced(kind)()) === 'stays', {
        ...WAIT,
        message: 'the announcement of the deleted object to be withdrawn',
      });
    }
  });
});
