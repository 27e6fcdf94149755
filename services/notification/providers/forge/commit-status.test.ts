import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ProviderSpec, Reason } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { eventOf, targetOf } from '../../testing/fixtures.ts';
import { ioOf, keptInMemory } from '../../testing/io.ts';
import type { HttpRequest } from '../io/http.ts';
import { typeOf } from '../types.ts';

const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);
const ADDRESSES: Partial<Record<ProviderSpec['type'], string>> = {
  github: 'https://github.com/o/r',
  gitlab: 'https://gitlab.com/o/r',
  gitea: 'https://gitea.example.com/o/r',
  bitbucket: 'https://bitbucket.org/o/r',
  bitbucketserver: 'https://bitbucket.example.com/scm/o/r',
  azuredevops: 'https://dev.azure.com/o/p/_git/r',
};
const TYPES = Object.keys(ADDRESSES) as ProviderSpec['type'][];
/** How the forges call a failure. */
const FAILED = ['failure', 'failed', 'FAILED'];
const PENDING = ['pending', 'INPROGRESS'];
/** GitHub takes no longer description. */
const MAX_DESCRIPTION = 140;

function forge(type: ProviderSpec['type']) {
  const set: { state: string; description: string }[] = [];
  const posts = keptInMemory();
  const send = async (event: Partial<FluxEvent>, order = 1) => {
    const io = ioOf({
      kept: (key) => posts.at('flux-system', key),
      order,
      async request({ method, body }: HttpRequest) {
        if (method !== 'POST')
          return { status: type.startsWith('bitbucket') ? 404 : 200, headers: {}, text: '[]' };
        set.push(JSON.parse(String(body)));
        return { status: 201, headers: {}, text: '{}' };
      },
    });
    const target = targetOf({ address: ADDRESSES[type] ?? '', token: 'user:made-up' });
    const metadata = { revision: `main@sha1:${COMMIT}` };
    await typeOf({ spec: { type } })?.send(eventOf({}, { metadata, ...event }), target, io);
  };
  return { set, send };
}

const progressing = { reason: 'Progressing', message: 'Deployment/apps/web configured' };
const succeeded = {
  reason: 'ReconciliationSucceeded',
  metadata: { revision: `main@sha1:${COMMIT}`, commit_status: 'update' },
};

describe('a commit status', () => {
  for (const type of TYPES) {
    it(`${type}: is a failure for every reason that there is`, async () => {
      for (const reason of Object.values(Reason)) {
        const { set, send } = forge(type);
        await send({ severity: 'error', reason, message: 'no' });
        assert.equal(set.length, 1, reason);
        assert.ok(FAILED.includes(set[0]?.state ?? ''), `${reason}: ${set[0]?.state}`);
        assert.ok((set[0]?.description.length ?? 0) <= MAX_DESCRIPTION);
      }
    });

    it(`${type}: is pending while it reconciles, and then as it ended`, async () => {
      const { set, send } = forge(type);
      await send(progressing, 1);
      await send(succeeded, 2);
      await send(progressing, 3);
      await send({ severity: 'error', reason: 'HealthCheckFailed' }, 4);
      await send(progressing, 5);
      await send({ reason: 'HealthCheckCanceled', message: 'New reconciliation' }, 6);
      const states = set.map(({ state }) => state);
      assert.equal(states.length, 6);
      for (const place of [0, 2, 4]) assert.ok(PENDING.includes(states[place] ?? ''));
      for (const place of [3, 5]) assert.ok(FAILED.includes(states[place] ?? ''));
    });
  }

  it('is never set by an event that is older than the one that set it', async () => {
    const { set, send } = forge('github');
    await send(succeeded, 7);
    await send(progressing, 6);
    await send({ severity: 'error', reason: 'HealthCheckFailed' }, 5);
    await send({ ...progressing, timestamp: '2026-01-02T03:04:04Z' }, 9);
    assert.deepEqual(
      set.map(({ state }) => state),
      ['success'],
    );
    await send({ ...progressing, timestamp: '2026-01-02T03:05:00Z' }, 1);
    assert.deepEqual(
      set.map(({ state }) => state),
      ['success', 'pending'],
      'another stream counts anew',
    );
    await send({ ...progressing, metadata: { revision: `main@sha1:${'a'.repeat(40)}` } }, 2);
    assert.equal(set.length, 3, 'another commit has its own');
  });

  it('is not held back by an event of the future', async () => {
    const { set, send } = forge('github');
    await send({ ...progressing, timestamp: '2999-01-01T00:00:00Z' }, 1);
    await send({ ...succeeded, timestamp: new Date(Date.now() + 1_000).toISOString() }, 2);
    assert.deepEqual(
      set.map(({ state }) => state),
      ['pending', 'success'],
    );
  });

  it('leaves out what begins without a commit, and other news', async () => {
    const { set, send } = forge('github');
    await send({ ...progressing, metadata: { revision: '6.5.0' } });
    await send({ reason: 'NewArtifact', message: 'stored artifact' });
    assert.deepEqual(set, []);
  });
});
