import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  ApiError,
  ConnectionError,
  isGone,
  isImmutable,
  isInvalid,
  isNotFound,
  isUnavailable,
  NoMatchError,
} from './errors.ts';

it('words a missing kind as the Go client does', () => {
  assert.equal(
    new NoMatchError({ group: 'apps', version: 'v2', kind: 'Deployment' }).message,
    'no matches for kind "Deployment" in version "apps/v2"',
  );
  assert.equal(
    new NoMatchError({ group: '', version: 'v1', kind: 'Foo' }).message,
    'no matches for kind "Foo" in version "v1"',
  );
  assert.equal(
    new NoMatchError({ group: 'apps', kind: 'Foo' }).message,
    'no matches for kind "Foo" in group "apps"',
  );
});

it('knows how Kubernetes says that a field cannot change', () => {
  const immutable = [
    'Job.batch "a" is invalid: spec.template: Invalid value: {}: field is immutable',
    `StatefulSet.apps "a" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals' are forbidden`,
    'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: []: may not change once set',
    'PersistentVolumeClaim "a" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests',
    'RoleBinding.rbac.authorization.k8s.io "a" is invalid: roleRef: Invalid value: {}: cannot change roleRef',
    'Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    'PriorityClass.scheduling.k8s.io "a" is invalid: value: Forbidden: may not be changed in an update.',
  ];
  for (const message of immutable) {
    assert.ok(isImmutable(new ApiError(message, { status: 422, reason: 'Invalid' })), message);
  }
  const merelyWrong = new ApiError('spec.replicas: Invalid value: -1: must be greater than 0', {
    status: 422,
    reason: 'Invalid',
  });
  assert.ok(isInvalid(merelyWrong));
  assert.ok(!isImmutable(merelyWrong));
  assert.ok(!isImmutable(new Error('field is immutable')));
});

it('distinguishes an unavailable server from one that refuses', () => {
  const busy = new ApiError('busy', { status: 429, reason: 'TooManyRequests' });
  const missing = new ApiError('not found', { status: 404, reason: 'NotFound' });
  assert.ok(isUnavailable(busy));
  assert.ok(isUnavailable(new ConnectionError('refused', { sent: false })));
  assert.ok(!isUnavailable(missing));
  assert.ok(isNotFound(missing));
  assert.ok(isGone(new ApiError('too old', { status: 410, reason: 'Expired' })));
  assert.ok(!isNotFound(new Error('not found')));
});
