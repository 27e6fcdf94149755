// The Lease of one replica: made, renewed, let go.
import { isConflict, isNotFound, type KubeClient, Lease } from '@weir/kube';
import { type LeaseObject, RELEASED_ANNOTATION, REPLICA_LABEL, SEEN_ANNOTATION } from './roster.ts';

const FIELD_MANAGER = 'weir';

export interface LeaseOptions {
  client: KubeClient;
  namespace: string;
  service: string;
  identity: string;
  leaseMs: number;
  /** How long one request may take. */
  timeoutMs: number;
}

export interface OwnLease {
  name: string;
  uid: string;
}

export interface LeaseKeeper {
  create(): Promise<OwnLease>;
  /** Rejects with NotFound or Conflict when the Lease is no longer ours. */
  renew(lease: OwnLease, seen: readonly string[]): Promise<void>;
  /** Frees our keys for the others at once, then deletes the Lease. Only after we stopped acting. */
  release(lease: OwnLease): Promise<void>;
  list(): Promise<LeaseObject[]>;
  /** Deletes somebody's Lease unless it changed since. */
  discard(lease: LeaseObject): Promise<void>;
}

export function leaseSelector(service: string): string {
  return `${REPLICA_LABEL}=${service}`;
}

export function createLeaseKeeper(options: LeaseOptions): LeaseKeeper {
  const { client, namespace, service, identity, timeoutMs } = options;
  const leaseDurationSeconds = Math.max(1, Math.ceil(options.leaseMs / 1000));

  async function patch({ name, uid }: OwnLease, change: object, annotations: object) {
    // The UID makes it a precondition that the Lease is still the one we made.
    const body = { metadata: { uid, annotations }, ...change };
    await client.patch(Lease, { namespace, name }, body, {
      kind: 'merge',
      fieldManager: FIELD_MANAGER,
      timeoutMs,
    });
  }

  async function remove(name: string, preconditions: { uid: string; resourceVersion?: string }) {
    try {
      await client.delete(Lease, { namespace, name }, { ...preconditions, timeoutMs });
    } catch (error) {
      // Somebody was faster, or its holder renewed it and so is alive: either way nothing is left to do.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  return {
    async create() {
      const time = microTime(new Date());
      const labels = {
        'app.kubernetes.io/name': 'weir',
        'app.kubernetes.io/component': service,
        [REPLICA_LABEL]: service,
      };
      const lease: LeaseObject = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: `weir-${service}-${crypto.randomUUID().slice(0, 8)}`, namespace, labels },
        spec: {
          holderIdentity: identity,
          leaseDurationSeconds,
          acquireTime: time,
          renewTime: time,
        },
      };
      const { metadata } = await client.create(Lease, lease, {
        fieldManager: FIELD_MANAGER,
        timeoutMs,
      });
      return { name: metadata.name, uid: metadata.uid ?? '' };
    },
    renew: (lease, seen) =>
      patch(
        lease,
        { spec: { renewTime: microTime(new Date()) } },
        { [SEEN_ANNOTATION]: seen.join(',') },
      ),
    async release(lease) {
      try {
        await patch(lease, {}, { [RELEASED_ANNOTATION]: microTime(new Date()) });
        await remove(lease.name, { uid: lease.uid });
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
    async list() {
      // No resourceVersion: the answer is what the cluster agrees on now, not what a cache held.
      const { items } = await client.list<LeaseObject>(Lease, {
        namespace,
        labelSelector: leaseSelector(service),
        timeoutMs,
      });
      return items;
    },
    async discard({ metadata: { name, uid = '', resourceVersion } }) {
      await remove(name, { uid, ...(resourceVersion !== undefined && { resourceVersion }) });
    },
  };
}

/** `metav1.MicroTime`: RFC 3339 in UTC with exactly six digits of fraction. */
function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
