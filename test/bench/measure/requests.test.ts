import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditEvent } from '@weir/cluster';
import { countRequests, lastRequestAt, requestsOf, totalOf, writesOf } from './requests.ts';

function request(username: string, verb: string, more: Partial<AuditEvent> = {}): AuditEvent {
  const user = { username };
  return { verb, requestURI: '/', user, requestReceivedTimestamp: '', ...more };
}

it('counts requests by client and by verb', () => {
  const weir = 'system:serviceaccount:weir-system:weir-kustomize';
  const counts = countRequests([
    request(weir, 'patch'),
    request(weir, 'patch', { requestURI: '/api/v1/x?force=true&dryRun=All' }),
    request(weir, 'patch', { objectRef: { resource: 'kustomizations', subresource: 'status' } }),
    request(weir, 'create', { objectRef: { resource: 'events' } }),
    request(weir, 'update', { objectRef: { resource: 'leases' } }),
    request('system:serviceaccount:kube-system:deployment-controller', 'update'),
    request('system:apiserver', 'get'),
    request('admin', 'watch', { stage: 'ResponseStarted' }),
    request('admin', 'watch', { stage: 'ResponseComplete', responseStatus: { code: 200 } }),
    request('admin', 'watch', { stage: 'ResponseComplete', responseStatus: { code: 410 } }),
  ]);
  assert.deepEqual(counts, {
    'weir-kustomize': { patch: 1, 'dry-run': 1, 'patch status': 1, 'create event': 1, lease: 1 },
    'kube-controller-manager': { update: 1 },
    'kube-apiserver': { get: 1 },
    bench: { watch: 2 },
  });
  assert.equal(totalOf(counts['weir-kustomize'] ?? {}), 5);
});

it('adds up the requests of a system', () => {
  const requests = {
    one: { get: 2, 'patch status': 3, lease: 5 },
    two: { get: 1, 'dry-run': 4, 'create event': 1, patch: 1, watch: 1 },
    other: { get: 100 },
  };
  const own = requestsOf(requests, ['one', 'two', 'absent']);
  assert.deepEqual(own, {
    get: 3,
    'patch status': 3,
    'dry-run': 4,
    'create event': 1,
    patch: 1,
    watch: 1,
  });
  assert.equal(writesOf(own), 5);
});

it('finds the last request that is not for a Lease', () => {
  const at = (time: string) => ({ requestReceivedTimestamp: time });
  const events = [
    request('x:one', 'get', at('2026-01-01T00:00:01.5Z')),
    request('x:other', 'get', at('2026-01-01T00:00:02Z')),
    request('x:one', 'update', {
      ...at('2026-01-01T00:00:03Z'),
      objectRef: { resource: 'leases' },
    }),
  ];
  assert.equal(lastRequestAt(events, ['one']), Date.parse('2026-01-01T00:00:01.500Z'));
  assert.equal(lastRequestAt(events, ['two']), undefined);
});
