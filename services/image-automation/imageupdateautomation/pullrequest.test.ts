import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImageUpdateAutomation, PullRequestSpec } from '@weir/api';
import type { PullRequest, PullRequests } from '@weir/forge';
import { createPool, type RenderPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { changedImages } from './images.ts';
import { pullRequestTexts, reconcilePullRequest } from './pullrequest.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: '' };
const change = (setter: string, oldValue: string, newValue: string) => ({
  setter,
  oldValue,
  newValue,
  object,
});
const files = [
  {
    path: 'a.yaml',
    changes: [
      change('ns:app', 'reg:5000/app:1.0@sha256:00', 'reg:5000/app:2.0'),
      change('ns:app:tag', '0.9', '2.0'),
      change('ns:app:name', 'old/app', 'reg:5000/app'),
      change('ns:side:tagAndDigest', '1@sha256:00', '2@sha256:11'),
    ],
  },
];
const chosen = new Map([
  ['app', { name: 'reg:5000/app', tag: '2.0' }],
  ['side', { name: 'side', tag: '2', digest: 'sha256:11' }],
]);

test('the table has a row for each policy, with the tags that were there', () => {
  assert.deepEqual(changedImages(files, chosen), [
    { image: 'reg:5000/app', old: '0.9, 1.0', new: '2.0', policy: 'app', digest: '' },
    { image: 'side', old: '1', new: '2', policy: 'side', digest: 'sha256:11' },
  ]);
});

describe('the texts of a pull request', () => {
  let pool: RenderPool;
  const automation: ImageUpdateAutomation = {
    ...{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
    metadata: { name: 'auto', namespace: 'ns' },
    spec: {
      interval: '1h',
      sourceRef: { kind: 'GitRepository', name: 'repo' },
      git: { commit: { author: { email: 'e' }, messageTemplateValues: { team: 'core' } } },
    },
  };
  before(async () => {
    pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'fatal' }) });
  });
  after(() => pool?.close());
  const texts = (spec: PullRequestSpec) =>
    pullRequestTexts(
      automation,
      spec,
      { files, chosen },
      { pool, signal: AbortSignal.timeout(60_000) },
    );

  test('say what changes, unless the spec says it', async () => {
    const { title, body } = await texts({});
    assert.equal(title, 'Update app to 2.0, side to 2');
    assert.equal(body.split('\n')[2], '| reg:5000/app | 0.9, 1.0 | 2.0 | app |  |');
    const own = await texts({
      title: 'Bump\n{{ len .Images }}',
      body: '{{ range .Changed.Changes }}{{ .NewValue }} {{ end }}',
      labels: ['{{ .Values.team }}', '{{ if false }}never{{ end }}'],
      reviewers: ['ada'],
    });
    assert.deepEqual(own, {
      title: 'Bump 2',
      body: 'reg:5000/app:2.0 2.0 reg:5000/app 2@sha256:11 ',
      labels: ['core'],
      reviewers: ['ada'],
    });
  });

  test('are bounded, and fail as messages do', async () => {
    assert.equal((await texts({ title: '{{ repeat 1000 "x" }}' })).title.length, 250);
    assert.equal((await texts({ body: '{{ repeat 100000 "x" }}' })).body.length, 60_000);
    await assert.rejects(texts({ body: '{{ .Nope }}' }), { reason: 'GitOperationFailed' });
    await assert.rejects(texts({ title: '{{ .Updated }}' }), { reason: 'RemovedTemplateField' });
  });
});

describe('a pull request', () => {
  const wanted = { title: 't', body: 'b', labels: [], reviewers: [] };
  const tip = 'a'.repeat(40);

  async function bring(there: Partial<PullRequest> | undefined, texts: typeof wanted | undefined) {
    const done: string[] = [];
    const found = there && {
      number: 1,
      state: 'open',
      title: 't',
      body: 'b',
      headCommit: tip,
      url: '',
      ...there,
    };
    const api: PullRequests = {
      find: async () => found as PullRequest | undefined,
      open: async () => {
        done.push('open');
        return {
          number: 2,
          state: 'open',
          title: '',
          body: '',
          headCommit: '',
          url: 'https://x/2',
        };
      },
      update: async () => void done.push('update'),
      close: async () => void done.push('close'),
    };
    const note = await reconcilePullRequest(api, { head: 'h', base: 'm', tip, texts });
    return [done.join(), note];
  }

  const cases: [
    title: string,
    there: Partial<PullRequest> | undefined,
    texts: typeof wanted | undefined,
    done: string,
  ][] = [
    ['none, a change', undefined, wanted, 'open'],
    ['none, no change', undefined, undefined, ''],
    ['open, the same', {}, wanted, ''],
    ['open, with other line ends', { body: 'b\r\n' }, wanted, ''],
    ['open, another title', { title: 'x' }, wanted, 'update'],
    ['open, no change', {}, undefined, 'close'],
    ['closed by somebody, the same commit', { state: 'closed' }, wanted, ''],
    [
      'closed by somebody, the commit shortened',
      { state: 'closed', headCommit: tip.slice(0, 12) },
      wanted,
      '',
    ],
    [
      'closed by somebody, another commit',
      { state: 'closed', headCommit: 'b'.repeat(40) },
      wanted,
      'open',
    ],
    ['merged, another change', { state: 'merged' }, wanted, 'open'],
    ['closed, no change', { state: 'closed' }, undefined, ''],
  ];
  for (const [title, there, texts, done] of cases) {
    test(`${title}: ${done || 'nothing'}`, async () => {
      const [what, note] = await bring(there, texts);
      assert.equal(what, done);
      assert.equal(note === undefined, done === '');
    });
  }
});
