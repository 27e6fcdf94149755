// The disk of source is full while it fetches: what is reported, what stays, and that it continues when there is room
// again.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import {
  Bucket,
  type Condition,
  FETCH_FAILED,
  findCondition,
  GitRepository,
  HelmChart,
  HelmRepository,
  type Kind,
  OCIRepository,
  READY,
} from '@weir/api';
import { type LfsServer, startGitServer, startLfsServer } from '@weir/cluster';
import { startWeir, type Weir, type WeirProcess } from '@weir/kit';
import { type Remotes, type Source, startRemotes } from './remotes.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'full';
const NAME = 'src-0';
const timeoutMs = 60_000;
const MIB = 1024 ** 2;
/** Of the disk of source, in bytes. */
const DISK = 48 * MIB;

/** The words of Flux up to the step that failed; then that the disk is full. */
const CASES: readonly {
  kind: Kind;
  name?: string;
  reason: string;
  message: RegExp;
  condition: string;
}[] = [
  {
    ...{ kind: GitRepository, reason: 'GitOperationFailed', condition: FETCH_FAILED },
    message:
      /^failed to checkout and determine revision: unable to clone 'http.*src-0.git': .*no space left on (?:the )?device/i,
  },
  {
    ...{ kind: GitRepository, name: 'lfs', reason: 'GitOperationFailed', condition: FETCH_FAILED },
    message: /no space left/i,
  },
  {
    ...{ kind: OCIRepository, reason: 'OCIArtifactLayerOperationFailed', condition: FETCH_FAILED },
    message: /^failed to extract layer contents from artifact: .*no space left/i,
  },
  {
    ...{ kind: Bucket, reason: 'BucketOperationFailed', condition: FETCH_FAILED },
    message:
      /^fetch from bucket 'src-0' failed: failed to get 'large.bin' object: .*no space left/i,
  },
  {
    ...{ kind: HelmRepository, reason: 'Failed', condition: FETCH_FAILED },
    message:
      /^failed to fetch Helm repository index: failed to cache index to temporary file: .*no space left/i,
  },
  {
    ...{ kind: HelmChart, reason: 'ChartPullError', condition: FETCH_FAILED },
    message: /^chart pull error: .*no space left/i,
  },
];

interface Ref {
  namespace: string;
  name: string;
}

describe('a disk that is full', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let remotes: Remotes;
  let source: WeirProcess;
  let lfs: LfsServer;
  let commitLfs: (content: string) => Promise<unknown>;

  before(async () => {
    remotes = await startRemotes(started, 1);
    const git = started.adopt(await startGitServer(), (it) => it.close());
    lfs = started.adopt(await startLfsServer(git.url), (it) => it.close());
    const pointed = await git.createRepository('pointed');
    commitLfs = (content) => pointed.commit({ 'model.bin': lfs.put(content) });
    await commitLfs('1.0.0');
    weir = await startWeir(started, { processes: [] });
    const flags = ['--artifact-port=0'];
    source = await weir.start(['source'], { name: 'source', flags, diskBytes: DISK });
    await weir.namespace(NAMESPACE);
    await remotes.publish('1.0.0');
    await weir.apply(...remotes.sources(NAMESPACE), {
      ...{ apiVersion: GitRepository.apiVersion, kind: 'GitRepository' },
      metadata: { namespace: NAMESPACE, name: 'lfs' },
      spec: { interval: '1h', url: `${lfs.url}/pointed.git`, ref: { branch: 'main' }, lfs: true },
    } as never);
  });

  let versions = 0;

  const ballast = () => join(source.storage, 'ballast');
  /** Takes all room that is left. */
  async function fill(): Promise<void> {
    await writeFile(ballast(), '');
    const piece = Buffer.alloc(4096, 1);
    try {
      for (;;) await writeFile(ballast(), piece, { flag: 'a' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }

  const suspend = (ref: Ref, isSuspended: boolean) =>
    weir.client.patch(HelmChart, ref, { spec: { suspend: isSuspended } }, { kind: 'merge' });

  /** Has the index fetched while the chart of it waits. */
  async function fetchIndex(ref: Ref): Promise<void> {
    await suspend(ref, true);
    const before = await weir.client.get<Source>(HelmRepository, ref);
    await weir.requestReconcile(HelmRepository, ref, 'the index of the chart');
    const isNew = ({ status }: Source) =>
      status?.artifact?.revision !== before.status?.artifact?.revision;
    await weir.wait<Source>(HelmRepository, ref, isNew, timeoutMs);
  }

  const ready = ({ status }: Source): Condition | undefined =>
    findCondition(status?.conditions, READY);

  for (const { kind, name = NAME, reason, message, condition } of CASES) {
    const what = name === NAME ? kind.kind : `${kind.kind} with LFS`;
    it(`${what}: the old artifact stays, and the next run works`, async () => {
      const ref = { namespace: NAMESPACE, name };
      const isReady = (it: Source) => ready(it)?.status === 'True';
      await weir.wait<Source>(kind, ref, isReady, timeoutMs);
      const version = `2.${++versions}.0`;
      await remotes.publish(version);
      await commitLfs(version);
      // A chart is made from an index, for which there has to be room before.
      if (kind === HelmChart) await fetchIndex(ref);
      await fill();
      const first = await weir.client.get<Source>(kind, ref);
      if (kind === HelmChart) await suspend(ref, false);
      else await weir.requestReconcile(kind, ref, `full ${what}`);
      const failed = await weir.wait<Source>(
        kind,
        ref,
        (it) => ready(it)?.status === 'False',
        timeoutMs,
      );
      assert.equal(ready(failed)?.reason, reason, JSON.stringify(ready(failed)));
      assert.match(ready(failed)?.message ?? '', message);
      assert.equal(findCondition(failed.status?.conditions, condition)?.status, 'True');
      assert.deepEqual(failed.status?.artifact, first.status?.artifact);
      const { status } = await fetch(failed.status?.artifact?.url ?? '');
      assert.equal(status, 200, 'the old artifact is served');

      await rm(ballast());
      await weir.requestReconcile(kind, ref, `room ${what}`);
      const after = await weir.wait<Source>(kind, ref, isReady, timeoutMs);
      assert.notEqual(after.status?.artifact?.revision, first.status?.artifact?.revision);
    });
  }
});
