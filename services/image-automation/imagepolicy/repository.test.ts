// Whether a policy may use an ImageRepository, in the cases that need no request to the API server.
import { equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { ImagePolicy, ImageRepository } from '@weir/api';
import { findRepository, repositoryKey } from './repository.ts';

/** An API server that can't be reached. */
const client = { get: () => Promise.reject(new Error('connection refused')) };
const { signal } = new AbortController();

function repositoryOf(spec: object): ImageRepository {
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: { namespace: 'shared', name: 'app' },
    spec: { image: 'example.com/app', interval: '1m', ...spec },
  };
}

function policyOf(namespace: string, of?: string): ImagePolicy {
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImagePolicy',
    metadata: { namespace, name: 'app' },
    spec: {
      imageRepositoryRef: { name: 'app', ...(of === undefined ? {} : { namespace: of }) },
      policy: { semver: { range: '*' } },
    },
  };
}

const lookup = (spec: object, noCrossNamespaceRefs = false) => ({
  ...{ client, noCrossNamespaceRefs },
  repositories: { get: (key: string) => (key === 'shared/app' ? repositoryOf(spec) : undefined) },
});

test('a policy may use what is in its own namespace, however it names that', async () => {
  for (const policy of [policyOf('shared'), policyOf('shared', 'shared'), policyOf('shared', '')]) {
    equal(repositoryKey(policy), 'shared/app');
    equal((await findRepository(policy, lookup({}, true), signal)).metadata.name, 'app');
  }
});

test('references into other namespaces can be refused altogether', async () => {
  const open = { accessFrom: { namespaceSelectors: [{}] } };
  await rejects(findRepository(policyOf('team', 'shared'), lookup(open, true), signal), {
    reason: 'AccessDenied',
    message:
      "failed to get the referred ImageRepository: cannot access 'ImageRepository/shared/app', cross-namespace references have been blocked",
  });
});

test('without accessFrom nobody else may, and the API server is not asked for labels', async () => {
  await rejects(findRepository(policyOf('team', 'shared'), lookup({}), signal), {
    reason: 'AccessDenied',
    message: /missing ACL labels on 'accessFrom'$/,
  });
});

test('labels that can not be read are no access', async () => {
  const open = { accessFrom: { namespaceSelectors: [{}] } };
  await rejects(findRepository(policyOf('team', 'shared'), lookup(open), signal), {
    reason: 'Failure',
    message: 'failed to get the referred ImageRepository: connection refused',
  });
});
