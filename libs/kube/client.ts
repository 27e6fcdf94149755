import type { Impersonation } from './impersonate.ts';
import type { DiscoveredResource, KubeObject, ObjectRef, ResourceType } from './object.ts';

/** What every call takes. `timeoutMs` is for the whole call, its retries included. */
export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds; 30 000 when not given, 60 000 a page for lists. */
  timeoutMs?: number;
}

export interface RawRequest extends CallOptions {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path at the API server, without query: `/apis/apps/v1/namespaces/x/deployments`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  accept?: string;
}

export interface GetOptions extends CallOptions {
  metadataOnly?: boolean;
  subresource?: string;
}

export interface WriteOptions extends CallOptions {
  fieldManager?: string;
  dryRun?: boolean;
  subresource?: string;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

export interface PatchOptions extends WriteOptions {
  kind: 'merge' | 'json' | 'apply';
  force?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers instead of failing with Conflict. */
  force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: the delete fails with Conflict when the object is another one, or changed. */
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Metadata only, which saves the server and us most of the bytes; apiVersion and kind are the object's own. */
  metadataOnly?: boolean;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects a request; 500 when not given. */
  pageSize?: number;
}

export interface ListWatchOptions extends Selection {
  signal: AbortSignal;
  pageSize?: number;
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
}

/**
 * One step of an endless listWatch. `added`, `modified` and `deleted` always fit what came before: after
 * a relist they are worked out by comparison, and an object that went meanwhile shows as its identity, labels
 * and annotations. `synced` follows each complete list. `error` is news only
 * (the first of failures that are alike): the loop goes on by itself.
 */
export type ListWatchEvent<T> =
  | { type: 'synced'; resourceVersion: string }
  | { type: 'added' | 'modified' | 'deleted'; object: T }
  | { type: 'error'; error: Error };

/**
 * A connection to one Kubernetes API server as one identity. All calls reject with ApiError, ConnectionError,
 * RequestTimeoutError, CredentialError or ClientClosedError; with the signal's reason when that aborts.
 */
export interface KubeClient {
  readonly server: string;
  readonly discovery: Discovery;
  /** How long answers take just now, in ms, whoever asks over these connections; 0 when nobody did of late. */
  paceMs(): number;
  request<T>(request: RawRequest): Promise<T>;
  get<T extends KubeObject = KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    options?: GetOptions,
  ): Promise<T>;
  list<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options?: ListOptions,
  ): Promise<ObjectList<T>>;
  create<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
  ): Promise<T>;
  replace<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
  ): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    body: unknown,
    options: PatchOptions,
  ): Promise<T>;
  /** Server-side apply: the object holds the fields that the field manager wants to own. */
  apply<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<T>;
  delete(type: ResourceType, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Paged list, then a watch for ever; ends only by its signal or by close(). */
  listWatch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options: ListWatchOptions,
  ): AsyncIterable<ListWatchEvent<T>>;
  /** The same connections, acting as somebody else. Closing it closes nothing. */
  impersonate(as: Impersonation): KubeClient;
  /** The same server over connections of its own, with a bearer token in place of this client's credentials. */
  withToken(token: TokenSource): KubeClient;
  close(): Promise<void>;
}

/** Gives a bearer token and until when it can be used (epoch ms). Asked again shortly before that, and after a 401. */
export type TokenSource = (signal: AbortSignal) => Promise<{ token: string; expiresAt: number }>;

/** Which kinds the API server serves, cached; a miss asks the server again, but not more often than every two seconds. */
export interface Discovery {
  /** Without a version: the group's preferred one that has the kind. Rejects with NoMatchError. */
  resourceFor(kind: { group: string; version?: string; kind: string }): Promise<DiscoveredResource>;
  resourceForKind(apiVersion: string, kind: string): Promise<DiscoveredResource>;
  /** All kinds in all versions, the preferred version of a group first. */
  resources(): Promise<readonly DiscoveredResource[]>;
  /**
   * Forget: the next question goes to the server, and for five seconds a miss may ask again every 200 ms.
   * Call it after applying CustomResourceDefinitions.
   */
  invalidate(): void;
}
