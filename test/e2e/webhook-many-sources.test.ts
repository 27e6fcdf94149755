import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Receiver } from '@weir/api';
import { freePort, type GitServer, startGitServer, until } from '@weir/cluster';
import { gitRepository, startWeir, type Weir } from '@weir/kit';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'shop';
const SOURCES = 200;
const TOKEN = 'token-of-the-webhook';
const TIMEOUT_MS = 120_000;

/** One call of a webhook that names many sources of one repository. */
describe('a webhook for many sources of one repository', () => {
  const started = stoppedAfter();
  const names = Array.from({ length: SOURCES }, (_, index) => `source-${index}`);
  let weir: Weir;
  let git: GitServer;
  let hooks: string;

  const allHave = (commit: string) =>
    until(
      async () => {
        const { items } = await weir.client.list<GitRepository>(GitRepository, {
          namespace: NAMESPACE,
        });
        return items.every(({ status }) => status?.artifact?.revision.endsWith(commit));
      },
      { timeoutMs: TIMEOUT_MS, intervalMs: 200, message: `${SOURCES} artifacts of ${commit}` },
    );

  before(async () => {
    const [port, artifacts] = await Promise.all([freePort(), freePort()]);
    hooks = `http://127.0.0.1:${port}`;
    git = await startGitServer();
    started.defer(() => git.close());
    weir = await startWeir(started, {
      processes: [['source'], ['notification']],
      flags: [`--receiver-port=${port}`, `--artifact-port=${artifacts}`],
    });
    await weir.namespace(NAMESPACE);
  });

  it('fetches it once, and all of them have the new revision', async () => {
    const repository = await git.createRepository('shop');
    const first = await repository.commit({ 'readme.md': 'one' });
    for (const name of names) {
      await weir.apply(gitRepository(NAMESPACE, name, repository.url, { interval: '1h' }));
    }
    await allHave(first);
    await weir.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'hook', namespace: NAMESPACE },
        stringData: { token: TOKEN },
      },
      {
        apiVersion: Receiver.apiVersion,
        kind: 'Receiver',
        metadata: { name: 'hook', namespace: NAMESPACE },
        spec: {
          type: 'generic',
          secretRef: { name: 'hook' },
          resources: names.map((name) => ({ kind: 'GitRepository', name })),
        },
      },
    );
    const ref = { namespace: NAMESPACE, name: 'hook' };
    const receiver = await weir.wait<Receiver>(Receiver, ref, ({ status }) =>
      Boolean(status?.webhookPath),
    );
    const second = await repository.commit({ 'readme.md': 'two' });
    git.clearRequests();
    const { status } = await fetch(`${hooks}${receiver.status?.webhookPath}`, { method: 'POST' });
    assert.equal(status, 200);
    await allHave(second);
    // A compressed request doesn't show its command; the list of refs is never compressed.
    const posts = git.requests().filter(({ method }) => method === 'POST');
    const packs = posts.filter(({ command }) => command !== 'ls-refs');
    assert.equal(packs.length, 1, `the pack is fetched once for all: ${JSON.stringify(posts)}`);
  });
});
