// Requests to the API server, counted in its audit log by who sent them and what they did.
import type { AuditEvent } from '@weir/cluster';

/** Number of requests by client, then by verb (an apply that only tries out counts as `dry-run`). */
export type Requests = Record<string, Record<string, number>>;

/** Counts answered requests. The start of a watch is one; what the watch then tells is none. */
export function countRequests(events: readonly AuditEvent[]): Requests {
  const counts: Requests = {};
  for (const event of events) {
    const client = clientOf(event.user.username);
    const verb = verbOf(event);
    const verbs = counts[client] ?? {};
    counts[client] = { ...verbs, [verb]: (verbs[verb] ?? 0) + 1 };
  }
  return counts;
}

/** The sum over all verbs of one client. */
export function totalOf(verbs: Readonly<Record<string, number>>): number {
  return Object.values(verbs).reduce((sum, count) => sum + count, 0);
}

/** A service account's own name; Kubernetes' controllers, which have an account each, are one client. */
function clientOf(username: string): string {
  if (username.startsWith('system:serviceaccount:kube-system:')) return 'kube-controller-manager';
  if (username === 'system:apiserver') return 'kube-apiserver';
  return username.slice(username.lastIndexOf(':') + 1);
}

function verbOf({ verb, requestURI, objectRef }: AuditEvent): string {
  if (verb !== 'get' && /[?&]dryRun=All/.test(requestURI)) return 'dry-run';
  const { resource = '', subresource } = objectRef ?? {};
  if (subresource === 'status') return `${verb} status`;
  if (resource === 'events' && verb !== 'watch' && verb !== 'list') return `${verb} event`;
  if (resource === 'leases') return 'lease';
  return verb;
}
