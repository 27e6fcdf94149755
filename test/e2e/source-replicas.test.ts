// What a killed replica of source had fetched isn't fetched again by the replica that takes over.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { findCondition, READY } from '@weir/api';
import { until } from '@weir/cluster';
import { startWeir, type Weir, type WeirProcess } from '@weir/kit';
import { KINDS, type Remotes, type Source, startRemotes } from './remotes.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'sources';
/** Of each of the five kinds. */
const COUNT = 40;
const ALL = KINDS.length * COUNT;
/**
 * A replica that is so busy that its own Lease expires fetches everything again, so the Lease is not the shortest
 * possible.
 */
const FLAGS = ['--artifact-port=0', '--lease-duration=8s', '--lease-renew-interval=1s'];
const timeoutMs = 120_000;
/** How long a remote takes for contents while some of them have to be in flight. */
const SLOW_MS = 700;

describe(`two replicas of source with ${ALL} sources of all kinds`, () => {
  const started = stoppedAfter();
  let weir: Weir;
  let remotes: Remotes;
  let replicas: WeirProcess[];

  const start = (name: string) => weir.start(['source'], { name: `source-${name}`, flags: FLAGS });

  before(async () => {
    remotes = await startRemotes(started, COUNT);
    weir = await startWeir(started, { processes: [] });
    replicas = await Promise.all([start('a'), start('b')]);
    await weir.namespace(NAMESPACE);
    await remotes.publish('1.0.0');
    await weir.apply(...remotes.sources(NAMESPACE));
  });

  /** All sources by `kind/name`. */
  async function sources(): Promise<Map<string, Source>> {
    const lists = await Promise.all(
      KINDS.map((kind) => weir.client.list<Source>(kind, { namespace: NAMESPACE })),
    );
    return new Map(
      lists.flatMap(({ items }, index) =>
        items.map((it) => [`${KINDS[index]?.kind}/${it.metadata.name}`, it] as const),
      ),
    );
  }

  const isReady = ({ status }: Source) =>
    findCondition(status?.conditions, READY)?.status === 'True';
  const revisionOf = (source: Source | undefined) => source?.status?.artifact?.revision;

  /** Waits until every source is Ready, with another revision than `before`. */
  async function allReady(before?: ReadonlyMap<string, Source>): Promise<Map<string, Source>> {
    return until(
      async () => {
        const now = await sources();
        const isNew = (key: string, it: Source) => revisionOf(it) !== revisionOf(before?.get(key));
        const late = [...now].filter(([key, it]) => !isReady(it) || !isNew(key, it));
        if (now.size < ALL || late.length > 0) {
          throw new Error(`${late.length} are late: ${JSON.stringify(late[0]?.[1].status)}`);
        }
        return now;
      },
      { timeoutMs, intervalMs: 500, message: 'all sources to be Ready' },
    );
  }

  /** Waits until a replica owns every source. */
  async function ownsAll(replica: WeirProcess | undefined): Promise<void> {
    await until(async () => (await ownedBy(replica)) === ALL, {
      ...{ timeoutMs, intervalMs: 200, message: 'one replica to own all sources' },
    });
  }

  it('one is killed with nothing in flight: nothing is fetched, and everything stays Ready', async () => {
    const before = await allReady();
    remotes.clear();
    await replicas[0]?.kill();
    await ownsAll(replicas[1]);
    const after = await allReady();
    for (const [key, source] of after) {
      assert.equal(revisionOf(source), revisionOf(before.get(key)));
    }
    assert.deepEqual([...remotes.fetched().keys()], []);
  });

  it('one is killed with fetches in flight: only these are made again', async () => {
    const third = await start('c');
    await until(async () => (await ownedBy(third)) > ALL / 4, {
      ...{ timeoutMs, intervalMs: 200, message: 'the new replica to get its share' },
    });
    const before = await allReady();
    await remotes.publish('2.0.0');
    remotes.slowDown(SLOW_MS);
    await Promise.all(
      [...before.values()].map(({ kind, metadata: { name } }) => {
        const of = KINDS.find((it) => it.kind === kind);
        assert.ok(of);
        return weir.requestReconcile(of, { namespace: NAMESPACE, name }, 'new contents');
      }),
    );
    const isNew = ([key, it]: [string, Source]) => revisionOf(it) !== revisionOf(before.get(key));
    const done = await until(
      async () => {
        const found = [...(await sources())].filter(isNew).map(([key]) => key);
        return found.length >= ALL / 4 && remotes.inFlight() > 0 ? found : undefined;
      },
      { timeoutMs, intervalMs: 50, message: 'a quarter of the sources to have their new revision' },
    );
    await third.kill();
    remotes.clear();
    remotes.slowDown(0);
    assert.ok(done.length < ALL, 'some sources have yet to be fetched');
    await allReady(before);
    const fetched = remotes.fetched();
    assert.deepEqual(
      done.filter((key) => fetched.has(key)),
      [],
      'what had been fetched before is fetched again',
    );
    const twice = [...fetched].filter(([, count]) => count > 1);
    assert.deepEqual(twice, [], 'something is fetched more than once again');
  });
});

/** The number of objects that a replica owns, by its metrics. */
async function ownedBy(replica: WeirProcess | undefined): Promise<number> {
  const metrics = await (await fetch(`${replica?.health}/metrics`)).text();
  const owned = [...metrics.matchAll(/^weir_owned_objects\S* (\d+)/gm)];
  return owned.reduce((sum, [, value]) => sum + Number(value), 0);
}
