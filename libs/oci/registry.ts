import type { IncomingMessage } from 'node:http';
import { readBody } from './answer.ts';
import { readBlob } from './blob.ts';
import { algorithmOf, digestOf, isDigest } from './digest.ts';
import { OciError } from './errors.ts';
import {
  type Descriptor,
  MAX_MANIFEST_BYTES,
  type Manifest,
  MediaType,
  parseManifest,
} from './manifest.ts';
import { checkTag } from './reference.ts';
import { listReferrers } from './referrers.ts';
import { pullScope } from './scope.ts';
import { openSession, type RegistryOptions, type Session } from './session.ts';
import { areUnchanged, listTags, type PageValidator, type TagLimits } from './tags.ts';

/** A manifest whose bytes have the digest. */
export interface FetchedManifest {
  manifest: Manifest;
  bytes: Buffer;
  digest: string;
}

/**
 * A registry, spoken to by one holder of credentials. Each call takes a signal: when it aborts, the call ends at once, with
 * the reason `Timeout` for a signal of `AbortSignal.timeout`. All reject with an OciError.
 */
export interface Registry {
  /** The digest that a tag has now. Asks for the head of the manifest only, where the registry answers that. */
  resolve(name: string, tag: string, signal: AbortSignal): Promise<string>;
  /** A manifest by tag or digest; by digest its bytes are checked. */
  manifest(name: string, reference: string, signal: AbortSignal): Promise<FetchedManifest>;
  /**
   * A blob, piece by piece: a digest or a size that isn't the descriptor's makes the iteration fail at the latest at its
   * end, so what was read counts only then.
   */
  blob(name: string, descriptor: Descriptor, signal: AbortSignal): AsyncGenerator<Buffer>;
  /** The tags of a repository, page by page. */
  tags(name: string, signal: AbortSignal, limits?: TagLimits): AsyncGenerator<string[]>;
  /** Whether the tags are those of these pages, which the registry need not send again. */
  tagsUnchanged(
    name: string,
    pages: readonly PageValidator[],
    signal: AbortSignal,
  ): Promise<boolean>;
  /** What refers to a manifest: signatures, for example. Empty where there is nothing. */
  referrers(
    name: string,
    digest: string,
    signal: AbortSignal,
    artifactType?: string,
  ): Promise<Descriptor[]>;
  /** Closes the connections that are kept. */
  close(): void;
}

const ACCEPT = Object.values(MediaType).join(', ');

/**
 * Opens no connection yet.
 * @throws OciError InvalidConfiguration for what is no certificate or key
 */
export function openRegistry(options: RegistryOptions): Registry {
  const session = openSession(options);
  const manifest: Registry['manifest'] = (name, reference, signal) =>
    fetchManifest(session, name, reference, signal);
  return {
    resolve: (name, tag, signal) => resolveTag(session, name, tag, signal),
    manifest,
    blob: (name, descriptor, signal) => readBlob(session, name, descriptor, signal),
    tags: (name, signal, limits) => listTags(session, name, signal, limits),
    tagsUnchanged: (name, pages, signal) => areUnchanged(session, name, pages, signal),
    referrers: (name, digest, signal, artifactType) =>
      listReferrers(session, manifest, { name, digest, signal, artifactType }),
    close: session.close,
  };
}

async function resolveTag(
  session: Session,
  name: string,
  tag: string,
  signal: AbortSignal,
): Promise<string> {
  checkTag(tag);
  const request = { ...manifestRequest(name, tag, signal), method: 'HEAD' as const };
  try {
    const { response } = await session.request(request);
    response.resume();
    const digest = response.headers['docker-content-digest'];
    if (typeof digest === 'string' && isDigest(digest)) return digest;
  } catch (error) {
    // Some registries refuse HEAD, and an answer to it has no words: GET says what is wrong.
    if (!(error instanceof OciError) || !isRefusal(error.status)) throw error;
  }
  return (await fetchManifest(session, name, tag, signal)).digest;
}

/** Whether an answer is one that GET may answer otherwise; not one that says to come later. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 429;
}

async function fetchManifest(
  session: Session,
  name: string,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  const isByDigest = reference.includes(':');
  const algorithm = isByDigest ? algorithmOf(reference) : 'sha256';
  if (!isByDigest) checkTag(reference);
  const { response, what } = await session.request(manifestRequest(name, reference, signal));
  const bytes = await readManifest(response, what, signal);
  const digest = digestOf(bytes, algorithm);
  if (isByDigest && digest !== reference) {
    const message = `manifest digest: ${JSON.stringify(digest)} does not match requested digest: ${JSON.stringify(reference)}`;
    throw new OciError('DigestMismatch', `${what}: ${message}`);
  }
  return { manifest: parseManifest(bytes, response.headers['content-type']), bytes, digest };
}

function manifestRequest(name: string, reference: string, signal: AbortSignal) {
  return {
    method: 'GET' as const,
    path: `${name}/manifests/${reference}`,
    scope: pullScope(name),
    accept: ACCEPT,
    signal,
  };
}

/** Reads a manifest, at most as many bytes as one may have. */
function readManifest(response: IncomingMessage, what: string, signal: AbortSignal) {
  return readBody(response, { maxBytes: MAX_MANIFEST_BYTES, what, signal });
}
