// Requests about Leases: a replica creates, renews and releases its own, and lists those of the others.
import { isConflict, isNotFound, type KubeClient, Lease } from '@weir/kube';
import {
  type LeaseObject,
  RELEASED_ANNOTATION,
  REPLICA_LABEL,
  SEEN_ANNOTATION,
} from './replicas.ts';

const FIELD_MANAGER = 'weir';

export interface LeaseOptions {
  client: KubeClient;
  namespace: string;
  service: string;
  identity: string;
  leaseMs: number;
  /** The time limit of one request, in ms. */
  timeoutMs: number;
}

export interface OwnLease {
  name: string;
  uid: string;
}

export interface LeaseKeeper {
  create(): Promise<OwnLease>;
  /**
   * Renews the Lease and writes into it which other Leases (UIDs) this replica knows. Rejects with NotFound or Conflict
   * when the Lease was deleted or replaced.
   */
  renew(lease: OwnLease, known: readonly string[]): Promise<void>;
  /**
   * Marks the Lease as released, by which other replicas take over its keys at once, and deletes it. To be called only
   * when this replica no longer acts.
   */
  release(lease: OwnLease): Promise<void>;
  list(): Promise<LeaseObject[]>;
  /** Deletes the Lease of another replica, unless it was changed since it was read. */
  discard(lease: LeaseObject): Promise<void>;
}

export function leaseSelector(service: string): string {
  return `${REPLICA_LABEL}=${service}`;
}

export function createLeaseKeeper(options: LeaseOptions): LeaseKeeper {
  const { client, namespace, service, identity, timeoutMs } = options;
  const leaseDurationSeconds = Math.max(1, Math.ceil(options.leaseMs / 1000));

  async function patch({ name, uid }: OwnLease, change: object, annotations: object) {
    // With the UID in the patch, the API server refuses it for another Lease of the same name.
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
      // Another replica deleted it first, or its holder renewed it and is alive: in both cases nothing is left to do.
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
    renew: (lease, known) =>
      patch(
        lease,
        { spec: { renewTime: microTime(new Date()) } },
        { [SEEN_ANNOTATION]: known.join(',') },
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
      // A list without resourceVersion is consistent: it is read from etcd and not from a cache of the API server.
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
