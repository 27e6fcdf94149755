// What a test does with objects of any kind: apply them, and wait for what becomes of them.
import { until } from '@weir/cluster';
import {
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  type ResourceType,
} from '@weir/kube';

const FIELD_MANAGER = 'test';
const DEADLINE_MS = 30_000;

export interface ObjectHelpers {
  /** Creates the namespace unless it exists, and returns its name. */
  namespace(name: string): Promise<string>;
  /** Applies objects one after another (server-side apply). */
  apply(...objects: KubeObject[]): Promise<void>;
  /** Reads the object; undefined when it does not exist. */
  find<T extends KubeObject>(
    type: ResourceType,
    namespace: string,
    name: string,
  ): Promise<T | undefined>;
  /** Waits until the object passes `check` and returns it. The error of a time-out shows the object's conditions. */
  wait<T extends KubeObject>(
    type: ResourceType,
    ref: { namespace: string; name: string },
    check: (object: T) => boolean,
    timeoutMs?: number,
  ): Promise<T>;
  /** Waits until the object no longer exists. */
  gone(type: ResourceType, ref: { namespace: string; name: string }): Promise<void>;
  /** Requests a reconcile by the annotation that `flux reconcile` sets. */
  requestReconcile(
    type: ResourceType,
    ref: { namespace: string; name: string },
    requestedAt: string,
  ): Promise<void>;
}

/** Makes the helpers for one cluster, which act by `client`. */
export function objectHelpers(client: KubeClient): ObjectHelpers {
  const apply: ObjectHelpers['apply'] = async (...list) => {
    for (const object of list) {
      const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
      await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true });
    }
  };
  const find: ObjectHelpers['find'] = async (type, namespace, name) => {
    try {
      return await client.get(type, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    apply,
    find,
    async namespace(name) {
      await client.apply(
        Namespace,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        { fieldManager: FIELD_MANAGER },
      );
      return name;
    },
    async wait(type, { namespace, name }, check, timeoutMs = DEADLINE_MS) {
      let last: unknown = 'not there';
      const found = await until(
        async () => {
          const object = await find<Parameters<typeof check>[0]>(type, namespace, name);
          last = object && ('status' in object ? object.status : object);
          return object && check(object) && object;
        },
        { timeoutMs, message: `${type.kind}/${namespace}/${name}` },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${JSON.stringify(last, null, 2)}`, { cause: error });
      });
      return found as never;
    },
    async gone(type, { namespace, name }) {
      await until(async () => (await find(type, namespace, name)) === undefined, {
        timeoutMs: DEADLINE_MS,
        message: `${type.kind}/${namespace}/${name} to be gone`,
      });
    },
    async requestReconcile(type, ref, requestedAt) {
      const annotations = { 'reconcile.fluxcd.io/requestedAt': requestedAt };
      await client.patch(type, ref, { metadata: { annotations } }, { kind: 'merge' });
    },
  };
}
