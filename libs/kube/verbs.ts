import type { Caller } from './caller.ts';
import type { KubeClient, RawRequest, WriteOptions } from './client.ts';
import type { Status } from './errors.ts';
import { METADATA, typed } from './list.ts';
import type { KubeObject, ObjectRef } from './object.ts';
import { namespacePath, objectPath } from './path.ts';

/** The calls on single objects, each translated to an HTTP method, a path and a query. */
export type Verbs = Pick<KubeClient, 'get' | 'create' | 'replace' | 'patch' | 'apply' | 'delete'>;

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

export function createVerbs({ request }: Caller): Verbs {
  const patch: KubeClient['patch'] = (type, ref, body, options) =>
    request({
      method: 'PATCH',
      path: objectPath(type, ref, options.subresource),
      query: { ...writeQuery(options), force: options.force },
      contentType: PATCH_TYPES[options.kind],
      body,
      ...callOptions(options),
    });
  return {
    async get<T extends KubeObject>(...[type, ref, options = {}]: Parameters<KubeClient['get']>) {
      const object = await request<T>({
        method: 'GET',
        path: objectPath(type, ref, options.subresource),
        ...(options.metadataOnly ? { accept: METADATA } : {}),
        ...callOptions(options),
      });
      return options.metadataOnly ? typed(object, type) : object;
    },
    create: async (type, object, options = {}) =>
      request({
        method: 'POST',
        path: options.subresource
          ? objectPath(type, object.metadata, options.subresource)
          : namespacePath(type, object.metadata),
        query: writeQuery(options),
        body: object,
        ...callOptions(options),
      }),
    replace: async (type, object, options = {}) =>
      request({
        method: 'PUT',
        path: objectPath(type, object.metadata, options.subresource),
        query: writeQuery(options),
        body: object,
        ...callOptions(options),
      }),
    patch: async (...args) => patch(...args),
    apply: async (type, object, options) =>
      patch(type, refOf(object), object, { ...options, kind: 'apply' }),
    async delete(type, ref, options = {}) {
      const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun } = options;
      const answer = await request<KubeObject | Status>({
        method: 'DELETE',
        path: objectPath(type, ref),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          ...(uid === undefined && resourceVersion === undefined
            ? {}
            : { preconditions: { uid, resourceVersion } }),
          propagationPolicy,
          gracePeriodSeconds,
          ...(dryRun ? { dryRun: ['All'] } : {}),
        },
        ...callOptions(options),
      });
      // The server answers with a Status when the object is gone, and with the object while something keeps it.
      return { isGone: answer.kind === 'Status' };
    },
  };
}

function refOf({ metadata: { namespace, name } }: KubeObject): ObjectRef {
  return namespace === undefined ? { name } : { namespace, name };
}

function writeQuery(options: WriteOptions): NonNullable<RawRequest['query']> {
  return {
    fieldManager: options.fieldManager,
    dryRun: options.dryRun ? 'All' : undefined,
    fieldValidation: options.fieldValidation,
  };
}

function callOptions({ signal, timeoutMs }: Pick<RawRequest, 'signal' | 'timeoutMs'>) {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}
