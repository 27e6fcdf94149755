// The image-automation service on a platform of its own, and what a test asks of it.
import { type Condition, findCondition, type Kind, READY, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { service } from '../main.ts';

export interface Harness extends Omit<ServiceHarness, 'ready'> {
  /** Creates the object, or replaces the spec that was applied before. */
  apply<T extends KubeObject>(kind: Kind, ref: Ref, spec: object): Promise<T>;
  /** Changes the given fields of the spec. */
  change<T extends KubeObject>(kind: Kind, ref: Ref, spec: object): Promise<T>;
  read<T extends KubeObject>(kind: Kind, ref: Ref): Promise<T>;
  /** Asks for a reconciliation and returns its token. */
  request(kind: Kind, ref: Ref): Promise<string>;
  /** Waits until that request is answered. */
  handled<T extends KubeObject>(kind: Kind, ref: Ref, token: string): Promise<T>;
  /** Waits until Ready has this status and a message that matches, for the present generation. */
  ready<T extends KubeObject>(
    kind: Kind,
    ref: Ref,
    status: Condition['status'],
    message?: RegExp,
  ): Promise<T>;
  /** Creates the Secret, or replaces the given keys in it. */
  secret(ref: Ref, data: Record<string, string>, type?: string): Promise<void>;
  /** A Secret with the credentials of a registry, as `kubectl create secret docker-registry` makes it. */
  login(ref: Ref, registry: string, user: { username: string; password: string }): Promise<void>;
}

export interface Ref {
  namespace: string;
  name: string;
}

const APPLY = { fieldManager: 'test', force: true };
const WAIT_MS = 60_000;

/** @param traces URL of an OTLP collector that gets the service's spans */
export async function startHarness(
  flags: Record<string, string> = {},
  traces?: string,
): Promise<Harness> {
  const harness = await startServiceHarness({
    service,
    flags: { 'allow-local-addresses': 'true', 'lease-duration': '2s', ...flags },
    traces,
  });
  const { client } = harness;
  let requests = 0;

  const secret: Harness['secret'] = async (ref, stringData, type = 'Opaque') => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: ref, type, stringData };
    await client.apply(Secret, object, APPLY);
  };

  return {
    ...harness,
    apply: ({ apiVersion, kind, ...type }, metadata, spec) =>
      client.apply({ kind, ...type }, { apiVersion, kind, metadata, spec }, APPLY),
    change: (kind, ref, spec) => client.patch(kind, ref, { spec }, { kind: 'merge' }),
    read: (kind, ref) => client.get(kind, ref),
    async request(kind, ref) {
      const token = `request-${++requests}`;
      const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
      await client.patch(kind, ref, body, { kind: 'merge' });
      return token;
    },
    handled: <T extends KubeObject>(kind: Kind, ref: Ref, token: string) =>
      until(
        async () => {
          const object = await client.get<T>(kind, ref);
          const status = object.status as { lastHandledReconcileAt?: string } | undefined;
          return status?.lastHandledReconcileAt === token && object;
        },
        { timeoutMs: WAIT_MS, message: `${ref.name} to answer ${token}` },
      ),
    ready: <T extends KubeObject>(
      kind: Kind,
      ref: Ref,
      status: Condition['status'],
      message = /.*/,
    ) =>
      until(
        async () => {
          const object = await client.get<T>(kind, ref);
          const { conditions } = (object.status ?? {}) as { conditions?: Condition[] };
          const found = findCondition(conditions, READY);
          const isCurrent = found?.observedGeneration === object.metadata.generation;
          if (isCurrent && found?.status === status && message.test(found.message)) return object;
          throw new Error(JSON.stringify(object.status));
        },
        {
          timeoutMs: WAIT_MS,
          message: `${kind.kind} ${ref.name} to be Ready=${status} ${message}`,
        },
      ),
    secret,
    login(ref, registry, { username, password }) {
      const auth = Buffer.from(`${username}:${password}`).toString('base64');
      const config = JSON.stringify({ auths: { [registry]: { auth } } });
      return secret(ref, { '.dockerconfigjson': config }, 'kubernetes.io/dockerconfigjson');
    },
  };
}
