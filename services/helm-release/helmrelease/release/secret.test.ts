import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedSecret, newSecret, versionLabels } from './secret.ts';

const content = {
  namespace: 'apps',
  name: 'web',
  version: 3,
  status: 'deployed',
  payload: 'cGF5bG9hZA==',
  labels: {},
};
const NOW = 1_700_000_000_500;

test('a version is stored as Helm stores it', () => {
  assert.deepEqual(newSecret(content, NOW), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'sh.helm.release.v1.web.v3',
      namespace: 'apps',
      labels: {
        createdAt: '1700000000',
        name: 'web',
        owner: 'helm',
        status: 'deployed',
        version: '3',
      },
    },
    type: 'helm.sh/release.v1',
    data: { release: 'cGF5bG9hZA==' },
  });
});

test('labels of others stay, and the time of the create does where it was read', () => {
  const labels = { team: 'a', createdAt: '5', modifiedAt: '6', status: 'failed', version: '1' };
  const { metadata } = changedSecret({ ...content, labels, resourceVersion: '9' }, NOW);
  assert.deepEqual(metadata.labels, {
    team: 'a',
    createdAt: '5',
    modifiedAt: '1700000000',
    name: 'web',
    owner: 'helm',
    status: 'deployed',
    version: '3',
  });
  assert.equal(metadata.resourceVersion, '9');
  const made = changedSecret({ ...content, resourceVersion: '9' }, NOW);
  assert.equal(made.metadata.labels?.createdAt, undefined);
});

test('a Secret counts only under the name of its version', () => {
  const secret = newSecret(content, NOW);
  assert.deepEqual(versionLabels(secret, 'web'), {
    version: 3,
    status: 'deployed',
    resourceVersion: '',
  });
  assert.equal(versionLabels(secret, 'other'), undefined);
  const renamed = { ...secret, metadata: { ...secret.metadata, name: 'mine' } };
  assert.equal(versionLabels(renamed, 'web'), undefined);
  const labels = { ...secret.metadata.labels, version: '1e3' };
  assert.equal(
    versionLabels({ ...secret, metadata: { ...secret.metadata, labels } }, 'web'),
    undefined,
  );
});
