/** One finding of the API server about one field (`metav1.StatusCause`). */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** What a failure is about (`metav1.StatusDetails`). */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** The body of every failed request to an API server. */
export interface Status {
  kind?: string;
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: StatusDetails;
}

/**
 * The API server refused the request. `status` is the HTTP code and `reason` the server's machine-readable word
 * (NotFound, Conflict, Forbidden, Invalid, AlreadyExists, Gone, Expired, Timeout, TooManyRequests, InternalError, ...).
 * The message is the server's.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** How long the server asks to wait before the request is repeated, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    init: { status: number; reason: string; details?: StatusDetails; retryAfterMs?: number },
  ) {
    super(message);
    this.status = init.status;
    this.reason = init.reason;
    this.details = init.details;
    this.retryAfterMs = init.retryAfterMs;
  }
}

/**
 * The server could not be reached, or the connection broke before the whole answer had arrived.
 * `sent` is false when the server certainly did not process the request, so that even a create may be repeated.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly reason = 'ConnectionFailed';
  readonly sent: boolean;

  constructor(message: string, init: { sent: boolean; cause?: unknown }) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.sent = init.sent;
  }
}

/** The caller's time limit passed without an answer. The server may have processed the request or not. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError';
  readonly reason = 'Timeout';
}

/** The server's answer, or one event of a watch, is larger than this client takes. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
  readonly reason = 'AnswerTooLarge';

  constructor(maxBytes: number) {
    super(`the API server's answer has more than ${maxBytes / 1024 ** 2} MiB`);
  }
}

/** The client was closed by its owner. No call on it succeeds after that. */
export class ClientClosedError extends Error {
  override readonly name = 'ClientClosedError';
  readonly reason = 'Closed';

  constructor() {
    super('the Kubernetes client is closed');
  }
}

/** No credential could be obtained, for example because a plugin failed. The message never contains a credential. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  readonly reason = 'CredentialsUnavailable';
}

/** The kubeconfig is not usable. The message says what to correct. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
  readonly reason = 'InvalidKubeconfig';
}

/** The API server doesn't serve the kind. The message is that of the Go client's `NoKindMatchError`, which users know. */
export class NoMatchError extends Error {
  override readonly name = 'NoMatchError';
  readonly reason = 'NoMatch';
  readonly group: string;
  readonly version: string | undefined;
  readonly kind: string;

  constructor({ group, version, kind }: { group: string; version?: string; kind: string }) {
    const where =
      version === undefined
        ? `group ${JSON.stringify(group)}`
        : `version ${JSON.stringify(group === '' ? version : `${group}/${version}`)}`;
    super(`no matches for kind ${JSON.stringify(kind)} in ${where}`);
    this.group = group;
    this.version = version;
    this.kind = kind;
  }
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError;
}

export function isNotFound(error: unknown): boolean {
  return isApiError(error) && error.reason === 'NotFound';
}

/** Another writer changed the object meanwhile, or owns one of the fields of a server-side apply without force. */
export function isConflict(error: unknown): boolean {
  return isApiError(error) && error.reason === 'Conflict';
}

export function isForbidden(error: unknown): boolean {
  return isApiError(error) && error.reason === 'Forbidden';
}

export function isInvalid(error: unknown): boolean {
  return isApiError(error) && error.reason === 'Invalid';
}

export function isAlreadyExists(error: unknown): boolean {
  return isApiError(error) && error.reason === 'AlreadyExists';
}

/** The server no longer has this resourceVersion or continue token. The caller has to list again. */
export function isGone(error: unknown): boolean {
  return isApiError(error) && (error.status === 410 || error.reason === 'Expired');
}

export function isNoMatch(error: unknown): error is NoMatchError {
  return error instanceof NoMatchError;
}

/** The server is unreachable, overloaded or starting. The same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof RequestTimeoutError) return true;
  return isApiError(error) && [429, 502, 503, 504].includes(error.status);
}

/**
 * The messages by which Kubernetes says that a field cannot change: `field is immutable` in most validations, and
 * other words in a few older ones (StatefulSet, Pod, Service, StorageClass, RoleBinding, PVC).
 */
const IMMUTABLE = [
  /\bis immutable\b/,
  /\bimmutable field\b/,
  /\bupdates to .* (are|is) forbidden\b/,
  /\bupdates may not change fields other than\b/,
  /\bmay not (be changed|change once set)\b/,
  /\bcan ?not (change roleRef|be (changed|updated|modified))\b/,
];

/** The update was refused because a field cannot change. The object would have to be deleted and created again. */
export function isImmutable(error: unknown): boolean {
  if (!isApiError(error) || (error.status !== 422 && error.status !== 403 && error.status !== 400))
    return false;
  const messages = [
    error.message,
    ...(error.details?.causes ?? []).map((cause) => cause.message ?? ''),
  ];
  return messages.some((message) => IMMUTABLE.some((pattern) => pattern.test(message)));
}
