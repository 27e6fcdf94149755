import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditEvent } from '@weir/cluster';
import { countRequests, totalOf } from './requests.ts';

function request(username: string, verb: string, more: Partial<AuditEvent> = {}): AuditEvent {
  const user = { username };
  return { verb, requestURI: '/', user, requestReceivedTimestamp: '', ...more };
}

it('tells who sent a request and what it was for', () => {
  const weir = 'system:serviceaccount:weir-system:weir-kustomize';
  const counts = countRequests([
    request(weir, 'patch'),
    request(weir, 'patch', { requestURI: '/api/v1/x?force=true&dryRun=All' }),
    request(weir, 'patch', { objectRef: { resource: 'kustomizations', subresource: 'status' } }),
    request(weir, 'create', { objectRef: { resource: 'events' } }),
    request(weir, 'update', { objectRef: { resource: 'leases' } }),
    request('system:serviceaccount:kube-system:deployment-controller', 'update'),
    request('system:apiserver', 'get'),
    request('admin', 'watch'),
  ]);
  assert.deepEqual(counts, {
    'weir-kustomize': { patch: 1, 'dry-run': 1, 'patch status': 1, 'create event': 1, lease: 1 },
    'kube-controller-manager': { update: 1 },
    'kube-apiserver': { get: 1 },
    admin: { watch: 1 },
  });
  assert.equal(totalOf(counts['weir-kustomize'] ?? {}), 5);
});
