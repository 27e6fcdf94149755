import type { Impersonation } from './impersonate.ts';
import type {
  DeletedObject,
  DiscoveredResource,
  KubeObject,
  ObjectRef,
  ResourceType,
} from './object.ts';

/** Options of every call. */
export interface CallOptions {
  signal?: AbortSignal;
  /** Time limit of the whole call with its retries, in ms. The default is 30 000, and 60 000 for each page of a list. */
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
  /** `merge` is a JSON merge patch (RFC 7386), `strategic` Kubernetes' own, which only built-in kinds take. */
  kind: 'merge' | 'strategic' | 'json' | 'apply';
  force?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Takes fields over from other field managers. Without it the apply fails with Conflict where one owns a field. */
  force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: the delete fails with Conflict when the object has another UID or another resourceVersion. */
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
  /**
   * Asks for metadata only (`PartialObjectMetadata`), which saves most of the bytes. The results carry the apiVersion
   * and kind of the object and not those of PartialObjectMetadata.
   */
  metadataOnly?: boolean;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects of one page; 500 when not given. */
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
 * One event of an endless listWatch. `added`, `modified` and `deleted` are always consistent with the events before
 * them: after a gap they are computed by comparing the new list with what was reported. `synced` follows each complete
 * list. `error` reports the first of several failures of the same kind; the listWatch goes on by itself after it.
 */
export type ListWatchEvent<T> =
  | { type: 'synced'; resourceVersion: string }
  | { type: 'added' | 'modified'; object: T }
  | { type: 'deleted'; object: DeletedObject }
  | { type: 'error'; error: Error };

/**
 * A client of one Kubernetes API server that acts as one identity. All calls reject with ApiError, ConnectionError,
 * RequestTimeoutError, CredentialError or ClientClosedError, or with the signal's reason when the signal aborts.
 */
export interface KubeClient {
  readonly server: string;
  readonly discovery: Discovery;
  /** The mean time until an answer, in ms, over all recent requests of these connections; 0 when there were none. */
  latencyMs(): number;
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
  /** Server-side apply. `object` contains exactly the fields that the field manager wants to own. */
  apply<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<T>;
  /** Says whether the object is gone: a finalizer, a grace period or `Foreground` keeps it for a while. */
  delete(type: ResourceType, ref: ObjectRef, options?: DeleteOptions): Promise<{ isGone: boolean }>;
  /** Lists in pages, then watches for ever. It ends only when its signal aborts or the client is closed. */
  listWatch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options: ListWatchOptions,
  ): AsyncIterable<ListWatchEvent<T>>;
  /** A client over the same connections that acts as another identity. Closing it leaves the connections open. */
  impersonate(as: Impersonation): KubeClient;
  /** A client of the same server with its own connections, which authenticates by a bearer token. */
  withToken(token: TokenSource): KubeClient;
  close(): Promise<void>;
}

/**
 * Returns a bearer token and when it expires (ms since 1970). The client calls it again before the token expires, and
 * after the server answered 401.
 */
export type TokenSource = (signal: AbortSignal) => Promise<{ token: string; expiresAt: number }>;

/** The kinds that the API server serves, cached. An unknown kind asks the server again, at most every two seconds. */
export interface Discovery {
  /** Without a version, finds the kind in the group's most preferred version. Rejects with NoMatchError. */
  resourceFor(kind: { group: string; version?: string; kind: string }): Promise<DiscoveredResource>;
  resourceForKind(apiVersion: string, kind: string): Promise<DiscoveredResource>;
  /** All kinds in all versions, the preferred version of a group first. */
  resources(): Promise<readonly DiscoveredResource[]>;
  /**
   * Empties the cache. For the next five seconds an unknown kind may ask the server every 200 ms, because the server
   * serves a new CustomResourceDefinition a little later than it accepts it. Call this after applying one.
   */
  invalidate(): void;
}
