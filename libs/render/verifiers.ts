// Verifiers of signatures: processes of the Go program in verifier/, started when the first signature is checked.
import { orAborted } from '@weir/async';
import type { Logger } from '@weir/telemetry';
import { verifierBinary } from './binary.ts';
import { RenderError } from './error.ts';
import { abortError, closedError, createJob, type RequestOptions } from './job.ts';
import { createQueue, type Queue } from './queue.ts';

export interface VerifiersOptions {
  /** Path of the binary; `WEIR_VERIFIER`, or one built from source, unless given. */
  binary?: string;
  /** Time after which a verifier without work is stopped, in ms; 5 minutes unless given. */
  idleMs?: number;
  log: Logger;
}

/** Asks whether a signature made with notation satisfies a trust policy. */
export interface NotationRequest {
  /** `host/name@digest`: the policy has rules by repository. */
  reference: string;
  /** The manifest that must be signed. */
  artifact: { mediaType: string; digest: string; size: number };
  /** The text of `trustpolicy.json`. */
  policy: string;
  /** Trusted certificates, PEM or DER. Of a PEM file, only the first is used. */
  certificates: readonly Buffer[];
  /** Without one, only the policy's answer for this repository is returned: `skipped`, or `failed`. */
  signature?: { mediaType: string; content: Buffer };
}

export interface NotationResult {
  /**
   * `failed`: this signature is not sufficient. `skipped`: the policy requires none. `tolerated`: the signer isn't
   * trusted, but the policy only wants that logged.
   */
  result: 'verified' | 'failed' | 'skipped' | 'tolerated';
  reason?: string;
}

/** Asks whether somebody with one of the identities has signed a manifest, with a certificate instead of a key. */
export interface KeylessRequest {
  /** `sha256:<hex>` of the manifest. */
  digest: string;
  /** The text of `trusted_root.json`. */
  trustedRoot: string;
  /**
   * Regular expressions (RE2, at most 1 KiB each, not anchored), at most 100 pairs; without any, every identity that
   * the root's authority certified is accepted.
   */
  identities: readonly { issuer: string; subject: string }[];
  /** A bundle, as cosign 3 attaches it, or a signature of cosign 2. */
  signature: { bundle: Buffer } | OldSignature;
}

/** A payload that names the manifest, and the annotations with it (cosign, specs/SIGNATURE_SPEC.md). */
export interface OldSignature {
  payload: Buffer;
  signature: Buffer;
  /** PEM. */
  certificate: string;
  /** JSON. */
  rekorBundle: string;
  /** JSON, or empty. */
  timestamp: string;
}

export interface KeylessResult {
  verified: boolean;
  reason?: string;
}

/**
 * Every call rejects with a {@link RenderError}: `InvalidRequest` when policy, root or identities can't be used. An
 * invalid signature is a result, not an error.
 */
export interface Verifiers {
  notation(request: NotationRequest, options: RequestOptions): Promise<NotationResult>;
  keyless(request: KeylessRequest, options: RequestOptions): Promise<KeylessResult>;
  /** The process ids of the verifiers that run. */
  pids(): number[];
  close(): Promise<void>;
}

/** The memory of all verifiers together, in bytes: a small part of what render engines may take. */
export const VERIFIER_MEMORY_BYTES = 96 * 1024 ** 2;
const VERIFIERS = 2;
/** How long a verification may delay other tenants, in ms. Most take 2 ms. */
const PATIENCE_MS = 500;
const ANOTHER_AFTER_MS = 50;
const TIMEOUT_MS = 10_000;

/** No process is built or started before the first request. */
export function createVerifiers({ log, binary, idleMs = 300_000 }: VerifiersOptions): Verifiers {
  let opening: Promise<Queue> | undefined;
  let queue: Queue | undefined;
  let closed = false;

  /** Returns the queue, once there is a binary. After a failed build, the next request tries again. */
  function open(): Promise<Queue> {
    opening ??= (async () => {
      const engine = {
        binary: binary ?? (await verifierBinary(log)),
        memoryLimitBytes: VERIFIER_MEMORY_BYTES / VERIFIERS,
        log,
      };
      queue = createQueue({
        ...{ engine, engines: VERIFIERS, enginesPerTenant: VERIFIERS - 1 },
        ...{ anotherAfterMs: ANOTHER_AFTER_MS, idleMs, patienceMs: PATIENCE_MS },
      });
      if (closed) await queue.close();
      return queue;
    })();
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  }

  async function send(op: string, body: object, options: RequestOptions): Promise<unknown> {
    const { tenant, signal, timeoutMs = TIMEOUT_MS } = options;
    const unlessAborted = (cause: unknown): never => {
      throw signal?.aborted ? abortError(signal) : cause;
    };
    if (closed) throw closedError();
    const opened = await (signal ? orAborted(open(), signal).catch(unlessAborted) : open());
    const work = { op, body: JSON.stringify(body), tenant, timeoutMs, profile: op };
    const { job, promise } = createJob(work);
    const abort = () => {
      if (signal) job.reject(abortError(signal));
      opened.drop(job);
    };
    signal?.addEventListener('abort', abort, { once: true });
    opened.add(job);
    try {
      return await promise;
    } catch (error) {
      throw inWords(error, timeoutMs);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  return {
    async notation({ certificates, signature, ...request }, options) {
      const body = {
        ...request,
        certificates: certificates.map((it) => it.toString('base64')),
        signature: signature && {
          mediaType: signature.mediaType,
          content: signature.content.toString('base64'),
        },
      };
      return (await send('notation', body, options)) as NotationResult;
    },
    async keyless({ signature, ...request }, options) {
      const body = { ...request, ...keylessBody(signature) };
      return (await send('keyless', body, options)) as KeylessResult;
    },
    pids: () => queue?.pids() ?? [],
    async close() {
      closed = true;
      await queue?.close();
    },
  };
}

function keylessBody(signature: KeylessRequest['signature']): object {
  if ('bundle' in signature) return { bundle: signature.bundle.toString('base64') };
  const { payload, signature: bytes } = signature;
  const encoded = { payload: payload.toString('base64'), signature: bytes.toString('base64') };
  return { signature: { ...signature, ...encoded } };
}

/** Rewrites an error about render engines as one about verifiers. */
function inWords(error: unknown, timeoutMs: number): unknown {
  if (!(error instanceof RenderError)) return error;
  const messages: Record<string, string> = {
    Timeout: `verifying a signature took longer than ${timeoutMs} ms`,
    MemoryLimit: 'verifying a signature needs more memory than it may take',
    EngineCrashed: 'the verifier of signatures ended unexpectedly',
  };
  const message = messages[error.reason];
  return message === undefined ? error : new RenderError(error.reason, message, { cause: error });
}
