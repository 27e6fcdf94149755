import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { BusUnavailable } from '@weir/bus';
import { type AddressPolicy, OPERATORS_AUTHORITIES, openRequest, tlsProblem } from '@weir/net';
import { hashFor, parseDigest } from './digest.ts';
import { ArtifactError, ArtifactMissing } from './errors.ts';
import type { FileIndex } from './file-index.ts';
import type { ArtifactStore } from './store.ts';
import { readFileIndex } from './unpack.ts';

export interface FetchOptions {
  signal: AbortSignal;
  /** Milliseconds for the whole fetch. */
  timeoutMs: number;
  /** Bytes of the tar.gz: a larger archive is not fetched. */
  maxBytes: number;
  /** Which addresses artifacts may be fetched from, because anybody may have written the URL in a status. */
  addresses?: AddressPolicy;
  /** URL of the operator's own artifact server, whose address is always allowed; see `reachableAt`. */
  trusted?: string;
}

export interface Fetched {
  /** Path of the tar.gz, checked against its digest. */
  file: string;
  fileIndex(): Promise<FileIndex>;
}

/** The local copies: artifacts are looked up here first, and kept here after a fetch. */
export type ArtifactCache = Pick<ArtifactStore, 'file' | 'keep' | 'fileIndex'>;

/**
 * Brings an artifact to the local disk: from there, from the store, or from the URL that its source gave; then it is
 * kept within the bounds of the cache. Redirects are not followed. Rejects with ArtifactError: ArtifactMissing when
 * nobody has it (yet), ArtifactUnavailable when its server can't be reached or must not be, ArtifactInvalid when the
 * content has another digest, ArtifactTooLarge, StorageFull.
 */
export async function fetchArtifact(
  store: ArtifactCache,
  artifact: { url: string; digest: string; size?: number },
  options: FetchOptions,
): Promise<Fetched> {
  const { digest } = artifact;
  parseDigest(digest);
  if ((artifact.size ?? 0) > options.maxBytes) throw tooLarge(options.maxBytes);
  const stored = await fromStore(store, digest);
  if (stored !== undefined) return { file: stored, fileIndex: () => store.fileIndex(digest) };
  const file = await store.keep(digest, () => download(artifact, options));
  return { file, fileIndex: () => readFileIndex(file) };
}

async function fromStore(store: ArtifactCache, digest: string): Promise<string | undefined> {
  try {
    return await store.file(digest);
  } catch (error) {
    // The source may have it on its own disk.
    if (error instanceof ArtifactMissing || error instanceof BusUnavailable) return undefined;
    throw error;
  }
}

/** The bytes at the artifact's URL; fails at their end if they have another digest. */
async function* download(
  { url, digest }: { url: string; digest: string },
  options: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { maxBytes } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const body = await answerOf(url, digest, { ...options, signal });
  const hash = hashFor(digest);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof ArtifactError ? error : unavailable(digest, error, signal);
  }
  if (hash.digest('hex') !== parseDigest(digest).hex) {
    throw new ArtifactError(
      'ArtifactInvalid',
      `the artifact server sent other content than ${digest}: is it still the same source?`,
      { transient: true },
    );
  }
}

/** The body of an answer that is the artifact. Other answers are never quoted. */
async function answerOf(
  url: string,
  digest: string,
  { signal, maxBytes, addresses = {}, trusted }: FetchOptions,
): Promise<AsyncIterable<Uint8Array>> {
  let response: IncomingMessage;
  try {
    const target = new URL(url);
    const isOwn = trusted !== undefined && URL.parse(trusted)?.origin === target.origin;
    const request = openRequest(target, { signal }, isOwn ? { allowLocal: true } : addresses);
    request.end();
    [response] = (await once(request, 'response')) as [IncomingMessage];
  } catch (error) {
    throw unavailable(digest, error, signal);
  }
  const { statusCode: status = 0, headers } = response;
  if (status === 200) {
    if (Number(headers['content-length'] ?? 0) <= maxBytes) return response;
    response.destroy();
    throw tooLarge(maxBytes);
  }
  response.destroy();
  if (status === 404 || status === 410) throw new ArtifactMissing(digest);
  const redirects = status >= 300 && status < 400;
  const why = `HTTP status ${status}${redirects ? ', and redirects are not followed' : ''}`;
  throw unavailable(digest, new Error(why), signal);
}

function unavailable(digest: string, error: unknown, signal: AbortSignal): ArtifactError {
  const why = signal.aborted
    ? 'it took too long, or was cancelled'
    : (tlsProblem(error, OPERATORS_AUTHORITIES) ?? messageOf(error));
  return new ArtifactError('ArtifactUnavailable', `failed to download artifact ${digest}: ${why}`, {
    transient: true,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function tooLarge(maxBytes: number): ArtifactError {
  return new ArtifactError('ArtifactTooLarge', `the artifact is larger than ${maxBytes} bytes`);
}
