// How automations handle Git servers that refuse, are full, are unreachable, or change during a push.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findCondition, GitRepository, ImageUpdateAutomation, READY } from '@weir/api';
import { type GitServer, startGitServer } from '@weir/cluster';
import { type Harness, startHarness } from '../testing/harness.ts';
import { marked, openScene, runOnce, type Scene } from '../testing/updates/automation.ts';

/** A hook that answers for the server in the words of GitHub (https://git-scm.com/docs/githooks#proc-receive). */
const PROTECTED = `#!${process.execPath}
const { readSync, writeSync } = require('node:fs');
const read = (bytes) => {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; ) at += readSync(0, buffer, at, bytes - at);
  return buffer.toString();
};
const packet = () => {
  const length = parseInt(read(4), 16);
  return length < 4 ? undefined : read(length - 4);
};
const write = (text) => writeSync(1, (text.length + 4).toString(16).padStart(4, '0') + text);
while (packet() !== undefined);
write('version=1\\n');
writeSync(1, '0000');
while (packet() !== undefined);
write('ng refs/heads/main protected branch hook declined\\n');
writeSync(1, '0000');
`;

describe('an automation', { concurrency: 4 }, () => {
  let harness: Harness;
  let server: GitServer;
  before(async () => {
    server = await startGitServer();
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  const scene = (name: string) =>
    openScene(harness, server, name, (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));

  /** Waits for the failure, puts right what was wrong, and sees the commit made once. */
  async function failsAndRecovers(
    { namespace, choose, automate, holds, log }: Scene,
    message: RegExp,
    mend: () => unknown,
  ): Promise<void> {
    await choose('app', '2');
    const ref = await automate('auto');
    const failed = await harness.ready<ImageUpdateAutomation>(
      ImageUpdateAutomation,
      ref,
      'False',
      message,
    );
    const { status } = failed;
    assert.equal(findCondition(status?.conditions, READY)?.reason, 'GitOperationFailed');
    assert.equal(status?.lastPushCommit, undefined);
    await mend();
    await runOnce(harness, ref);
    await harness.ready(ImageUpdateAutomation, { namespace, name: 'auto' }, 'True');
    await holds('main', 'x.yaml', ':2 ');
    assert.equal((await log('main')).length, 2, 'one commit');
  }

  test('at a protected branch says so, and pushes when it may', async () => {
    const it = await scene('protected');
    const { repository } = it;
    await repository.git('config', 'receive.procReceiveRefs', 'refs/heads/main');
    const hook = join(repository.dir, 'hooks/proc-receive');
    await writeFile(hook, PROTECTED);
    await chmod(hook, 0o755);
    await failsAndRecovers(it, /command error on main: protected branch hook declined$/, () =>
      repository.git('config', '--unset', 'receive.procReceiveRefs'),
    );
  });

  test('at a server that has no room for the commit says so, and pushes when there is', async () => {
    const it = await scene('full');
    await it.repository.git('config', 'receive.maxInputSize', '1');
    await failsAndRecovers(
      it,
      /^failed to update source: .*command error on main: unpacker error$/,
      () => it.repository.git('config', '--unset', 'receive.maxInputSize'),
    );
  });

  test('at a server that fails goes on when it is well', async () => {
    const it = await scene('fails');
    it.repository.setFault({ status: 500 });
    await failsAndRecovers(it, /unable to clone '.*fails\.git'.*500/, () =>
      it.repository.setFault(undefined),
    );
  });

  test('at a server that hangs waits for its timeout, and delays no other', async () => {
    const it = await scene('hangs');
    await harness.change(
      GitRepository,
      { namespace: it.namespace, name: 'repo' },
      { timeout: '1s' },
    );
    it.repository.setFault({ hang: true });
    const other = await scene('well');
    await failsAndRecovers(it, /timeout|timed out|deadline|no answer/i, async () => {
      await other.choose('app', '2');
      await other.automate('auto');
      await other.holds('main', 'x.yaml', ':2 ');
      it.repository.setFault(undefined);
    });
  });

  test('makes its change again on a branch that was rewritten while it pushed', async () => {
    const { choose, automate, holds, repository, log } = await scene('rewritten');
    await choose('app', '1');
    await harness.ready(ImageUpdateAutomation, await automate('auto'), 'True');
    const [first = ''] = await log('main');
    const second = await repository.commit({ 'second.txt': 'x' });
    let forced = '';
    repository.beforeNextPush(async () => {
      forced = await repository.commit({ 'forced.txt': 'x' }, { parent: first });
    });
    await choose('app', '2');
    await holds('main', 'x.yaml', ':2 ');
    const commits = await log('main');
    assert.deepEqual(commits.slice(0, 2), [first, forced]);
    assert.equal(commits.length, 3);
    assert.ok(!commits.includes(second), 'what was forced away is not brought back');
  });

  test('sets what its policies say, whatever other markers are in a file', async () => {
    const text = (namespace: string, tag: string) =>
      [
        marked(namespace, 'app', tag),
        `b: reg/gone:1 # {"$imagepolicy": "${namespace}:gone"}\n`,
        'c: reg/app:1 # {"$imagepolicy": "kube-system:app"}\n',
        `d: reg/app:1 # {"$imagepolicy": "${namespace}:app"\n`,
        `e: reg/app:1 # {"$imagepolicy": "${namespace}:app:sha"}\n`,
        `f: reg/app:1 # {"$imagepolicy": ["${namespace}:app"]}\n`,
      ].join('');
    const { namespace, choose, automate, holds, repository } = await openScene(
      harness,
      server,
      'markers',
      (ns) => ({ 'x.yaml': text(ns, '1'), 'tab.yaml': `a:\n\t${marked(ns, 'app', '1')}` }),
    );
    await choose('app', '2');
    await harness.ready(ImageUpdateAutomation, await automate('auto'), 'True');
    await holds('main', 'x.yaml', ':2 ');
    assert.equal(`${await repository.git('show', 'main:x.yaml')}\n`, text(namespace, '2'));
    assert.equal(await repository.git('diff', '--name-only', 'main~1', 'main'), 'x.yaml');
  });
});
