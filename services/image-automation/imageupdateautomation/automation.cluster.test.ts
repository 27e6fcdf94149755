// What automations do beside each other and beside people, and what they report when the server refuses.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findCondition, ImageUpdateAutomation, READY } from '@weir/api';
import { createSshKey, type GitServer, startGitServer } from '@weir/cluster';
import { readSignedCommit, verifySignature, withObjects } from '@weir/git';
import { type Harness, startHarness } from '../testing/harness.ts';
import { EMAIL, marked, openScene, runOnce, type Scene } from '../testing/updates/automation.ts';

const timeoutMs = 60_000;

describe('automations', { concurrency: 4 }, () => {
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
  const scene = (name: string, files: Parameters<typeof openScene>[3]) =>
    openScene(harness, server, name, files);
  const ready = (
    ref: { namespace: string; name: string },
    status: 'True' | 'False',
    message?: RegExp,
  ) => harness.ready<ImageUpdateAutomation>(ImageUpdateAutomation, ref, status, message);

  test('two on one branch lose nothing of each other', async () => {
    const names = ['a', 'b', 'c'];
    const { namespace, choose, automate, holds, log } = await scene('together', (ns) =>
      Object.fromEntries(names.map((name) => [`${name}/x.yaml`, marked(ns, name, '1')])),
    );
    for (const name of names) {
      await choose(name, '1');
      await automate(name, { update: { path: `./${name}`, strategy: 'Setters' } });
    }
    for (const name of names) await ready({ namespace, name }, 'True');
    for (const tag of ['2', '3', '4']) {
      await Promise.all(names.map((name) => choose(name, tag)));
      for (const name of names) await holds('main', `${name}/x.yaml`, `:${tag} `);
    }
    assert.equal((await log('main')).length, 10);
  });

  test('a branch that is forced to be another one is what the next commit begins with', async () => {
    const { choose, automate, holds, repository, log } = await scene('forced', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    await choose('app', '1');
    await ready(await automate('auto'), 'True');
    await choose('app', '2');
    await holds('main', 'x.yaml', ':2 ');
    const [first = ''] = await log('main');
    const other = await repository.commit({ 'other.txt': 'x' }, { parent: first });
    await choose('app', '3');
    await holds('main', 'x.yaml', ':3 ');
    assert.deepEqual((await log('main')).slice(0, 2), [first, other]);
  });

  test('changes within policyChangeDelay become one commit, and wait four times it at most', async () => {
    const { choose, automate, holds, log } = await scene('storm', (ns) => ({
      'x.yaml': marked(ns, 'a', '0') + marked(ns, 'b', '0').replace('image', 'other'),
    }));
    await choose('a', '0');
    await choose('b', '0');
    await ready(await automate('auto', { policyChangeDelay: '1s' }), 'True');
    for (let tag = 1; tag <= 5; tag++) {
      await choose('a', String(tag));
      await choose('b', String(tag));
    }
    await holds('main', 'x.yaml', 'reg/a:5 ');
    await holds('main', 'x.yaml', 'reg/b:5 ');
    assert.equal((await log('main')).length, 2);
  });

  test('a branch that is gone is said, and used again when it is back', async () => {
    const { choose, automate, repository, holds } = await scene('gone', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    const main = await repository.git('rev-parse', 'main');
    await repository.git('update-ref', 'refs/heads/kept', main);
    await repository.git('update-ref', '-d', 'refs/heads/main');
    await choose('app', '2');
    const ref = await automate('auto');
    const { status } = await ready(ref, 'False', /couldn't find remote ref "refs\/heads\/main"/);
    assert.equal(findCondition(status?.conditions, READY)?.reason, 'GitOperationFailed');
    await repository.git('update-ref', 'refs/heads/main', main);
    await runOnce(harness, ref);
    await holds('main', 'x.yaml', ':2 ');
  });

  test('a hook that refuses is named without its words, and nothing is there', async () => {
    const { choose, automate, repository, log } = await scene('hooked', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    const hook = join(repository.dir, 'hooks/pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "the secret of the server" >&2\nexit 1\n');
    await chmod(hook, 0o755);
    await choose('app', '2');
    const ref = await automate('auto');
    const { status } = await ready(
      ref,
      'False',
      /command error on main: pre-receive hook declined$/,
    );
    assert.doesNotMatch(JSON.stringify(status), /the secret/);
    assert.equal(status?.lastPushCommit, undefined);
    assert.equal((await log('main')).length, 1);
    await chmod(hook, 0o644);
    await runOnce(harness, ref);
    await ready(ref, 'True');
    assert.equal((await log('main')).length, 2, 'once');
  });

  test('commits are signed with an SSH key', async () => {
    const { namespace, choose, automate, holds, repository } = await scene('signed', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    const key = await createSshKey();
    await harness.secret({ namespace, name: 'key' }, { identity: key.private });
    await harness.secret({ namespace, name: 'empty' }, { other: 'x' });
    await choose('app', '2');
    const commit = { author: { name: 'Bot', email: EMAIL } };
    const signed = (name: string) => ({
      commit: { ...commit, signingKey: { type: 'ssh', secretRef: { name } } },
    });
    await ready(
      await automate('bad', {}, signed('empty')),
      'False',
      /'empty' does not contain an 'identity' key$/,
    );
    await automate('auto', {}, signed('key'));
    await holds('main', 'x.yaml', ':2 ');
    const id = await repository.git('rev-parse', 'main');
    const object = await withObjects({ dir: repository.dir, timeoutMs }, (objects) =>
      readSignedCommit(objects, id),
    );
    await verifySignature(object, { openpgp: [], ssh: [key.public] }, { timeoutMs });
  });

  async function bump({ choose, automate, holds }: Scene, git: Record<string, unknown>) {
    await choose('app', '1');
    const ref = await automate('auto', {}, git);
    await ready(ref, 'True');
    await choose('app', '2');
    await holds('main', 'x.yaml', ':2 ');
    return ref;
  }

  test('what was reverted stays so where that is respected, until there is another image', async () => {
    const it = await scene('reverted', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    const ref = await bump(it, { respectReverts: true });
    const bumped = await it.repository.git('rev-parse', 'main');
    const before = { 'x.yaml': marked(it.namespace, 'app', '1') };
    const message = `Revert "Update"\n\nThis reverts commit ${bumped}.\n`;
    const reverted = await it.repository.commit(before, { message });
    await runOnce(harness, ref);
    assert.equal(await it.repository.git('rev-parse', 'main'), reverted);
    await it.choose('app', '3');
    await it.holds('main', 'x.yaml', ':3 ');
    const again = await scene('not-respected', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    const other = await bump(again, {});
    const tip = await again.repository.git('rev-parse', 'main');
    await again.repository.commit(
      { 'x.yaml': marked(again.namespace, 'app', '1') },
      { message: `This reverts commit ${tip}.` },
    );
    await runOnce(harness, other);
    await again.holds('main', 'x.yaml', ':2 ');
  });

  test('a revert of a revert counts for nothing', async () => {
    const it = await scene('twice', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    const ref = await bump(it, { respectReverts: true });
    const bumped = await it.repository.git('rev-parse', 'main');
    const first = await it.repository.commit(
      { 'x.yaml': marked(it.namespace, 'app', '1') },
      { message: `This reverts commit ${bumped}.` },
    );
    await it.repository.commit({ 'y.txt': 'x' }, { message: `This reverts commit ${first}.` });
    await runOnce(harness, ref);
    await it.holds('main', 'x.yaml', ':2 ');
  });

  test('what is checked out may be a version, a reference or a commit', async () => {
    const { choose, automate, holds, repository } = await scene('references', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    const first = await repository.git('rev-parse', 'main');
    await repository.git('update-ref', 'refs/tags/1.2.0', first);
    await repository.git('update-ref', 'refs/pull/7/head', first);
    await repository.commit({ 'later.txt': 'x' });
    await choose('app', '2');
    const refs = { semver: '1.x', name: 'refs/pull/7/head', commit: first };
    for (const [field, value] of Object.entries(refs)) {
      const branch = `of-${field}`;
      const git = { checkout: { ref: { [field]: value } }, push: { branch } };
      await ready(await automate(field, {}, git), 'True');
      await holds(branch, 'x.yaml', ':2 ');
      assert.equal(await repository.git('rev-parse', `${branch}~1`), first);
    }
  });

  test('a file that is too large to be changed is named', async () => {
    const { choose, automate } = await scene('large', (ns) => ({
      'large.yaml': `${'a: 1\n'.repeat(300_000)}${marked(ns, 'app', '1')}`,
    }));
    await choose('app', '2');
    const { status } = await ready(
      await automate('auto'),
      'False',
      /the file 'large\.yaml' of \d+ bytes/,
    );
    assert.equal(findCondition(status?.conditions, READY)?.reason, 'UpdateFailed');
  });
});
