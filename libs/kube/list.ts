import type { Caller } from './caller.ts';
import type { ListOptions, ObjectList, Selection } from './client.ts';
import { isGone } from './errors.ts';
import { groupVersion, type KubeObject, type ResourceType } from './object.ts';
import { collectionPath } from './path.ts';

const PAGE_SIZE = 500;
const PAGE_TIMEOUT_MS = 60_000;
export const METADATA_LIST =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
export const METADATA =
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

interface ListBody<T> {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: T[] | null;
}

/** One page of a list. */
export interface Page<T> extends ObjectList<T> {
  /** The list has begun anew: the caller has to drop all pages before this one. */
  restarted: boolean;
}

/**
 * The pages of one consistent list. When the server no longer has the snapshot (410 for a continue token) the list
 * starts again, and after a second time in one page, because such a list needs no snapshot.
 */
export async function* listPages<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListOptions,
): AsyncGenerator<Page<T>> {
  let limit: number | undefined = options.pageSize ?? PAGE_SIZE;
  let token: string | undefined;
  let restarts = 0;
  let restarted = false;
  do {
    let body: ListBody<T>;
    try {
      body = await caller.request<ListBody<T>>({
        method: 'GET',
        path: collectionPath(type, options.namespace),
        query: { ...selectors(options), limit, continue: token },
        ...(options.metadataOnly ? { accept: METADATA_LIST } : {}),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        timeoutMs: options.timeoutMs ?? PAGE_TIMEOUT_MS,
      });
    } catch (error) {
      if (token === undefined || !isGone(error)) throw error;
      restarts += 1;
      restarted = true;
      token = undefined;
      if (restarts > 1) limit = undefined;
      continue;
    }
    const items = (body.items ?? []).map((item) => typed(item, type));
    yield { items, resourceVersion: body.metadata?.resourceVersion ?? '', restarted };
    restarted = false;
    token = body.metadata?.continue || undefined;
    if (token === undefined) return;
  } while (true);
}

/** The whole list, read page by page. */
export async function listAll<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListOptions,
): Promise<ObjectList<T>> {
  let items: T[] = [];
  let resourceVersion = '';
  for await (const page of listPages<T>(caller, type, options)) {
    items = page.restarted || items.length === 0 ? page.items : items.concat(page.items);
    resourceVersion = page.resourceVersion;
  }
  return { items, resourceVersion };
}

export function selectors({ labelSelector, fieldSelector }: Selection): {
  labelSelector: string | undefined;
  fieldSelector: string | undefined;
} {
  return { labelSelector, fieldSelector };
}

/**
 * The object with its own apiVersion and kind. Items of built-in lists carry none, and metadata-only items carry those
 * of PartialObjectMetadata.
 */
export function typed<T extends KubeObject>(object: T, type: ResourceType): T {
  const own = { apiVersion: groupVersion(type), kind: type.kind };
  return object.kind === own.kind && object.apiVersion === own.apiVersion
    ? object
    : { ...object, ...own };
}
