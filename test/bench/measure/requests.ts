// Counts requests to the API server from its audit log, by client and verb.
import type { AuditEvent } from '@weir/cluster';

/** The number of requests by client, then by verb. A dry run of an apply counts as `dry-run`. */
export type Requests = Record<string, Record<string, number>>;

/** Counts answered requests. The start of a watch is one request; its events and its end are none. */
export function countRequests(events: readonly AuditEvent[]): Requests {
  const counts: Requests = {};
  for (const event of events) {
    if (isEndOfWatch(event)) continue;
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

/** The requests of some clients together, by verb. Requests for Leases are left out, because every replica renews its own. */
export function requestsOf(requests: Requests, clients: readonly string[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const client of clients) {
    for (const [verb, count] of Object.entries(requests[client] ?? {})) {
      if (verb !== LEASE) sum[verb] = (sum[verb] ?? 0) + count;
    }
  }
  return sum;
}

/** How many of the requests changed something in the cluster, or tried to. A dry run does not count. */
export function writesOf(verbs: Readonly<Record<string, number>>): number {
  const writes = Object.entries(verbs).filter(([verb]) => WRITES.test(verb));
  return totalOf(Object.fromEntries(writes));
}

/** When one of `clients` sent its last request (other than for Leases), in ms since 1970; undefined if there was none. */
export function lastRequestAt(
  events: readonly AuditEvent[],
  clients: readonly string[],
): number | undefined {
  const last = events.findLast(
    (event) =>
      clients.includes(clientOf(event.user.username)) &&
      verbOf(event) !== LEASE &&
      !isEndOfWatch(event),
  );
  return last && Date.parse(last.requestReceivedTimestamp);
}

const LEASE = 'lease';
const WRITES = /^(create|update|patch|delete|deletecollection)( |$)/;

function isEndOfWatch({ verb, stage, responseStatus }: AuditEvent): boolean {
  const wasStarted = (responseStatus?.code ?? 0) < 400;
  return verb === 'watch' && stage === 'ResponseComplete' && wasStarted;
}

/**
 * The client's name in the counts: the name of its service account. Kubernetes' own controllers have an account each and
 * count as one client. The administrator is the benchmark itself.
 */
function clientOf(username: string): string {
  if (username.startsWith('system:serviceaccount:kube-system:')) return 'kube-controller-manager';
  if (username === 'system:apiserver') return 'kube-apiserver';
  if (username === 'admin') return 'bench';
  return username.slice(username.lastIndexOf(':') + 1);
}

function verbOf({ verb, requestURI, objectRef }: AuditEvent): string {
  if (verb !== 'get' && /[?&]dryRun=All/.test(requestURI)) return 'dry-run';
  const { resource = '', subresource } = objectRef ?? {};
  if (subresource === 'status') return `${verb} status`;
  if (resource === 'events' && verb !== 'watch' && verb !== 'list') return `${verb} event`;
  if (resource === 'leases') return LEASE;
  return verb;
}
