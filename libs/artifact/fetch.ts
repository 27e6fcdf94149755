import { BusUnavailable } from '@weir/bus';
import { createCache } from './cache.ts';
import { hashFor, parseDigest } from './digest.ts';
import { ArtifactError, ArtifactMissing } from './errors.ts';
import type { Manifest } from './manifest.ts';
import type { ArtifactStore } from './store.ts';
import { readManifest } from './unpack.ts';

export interface FetchOptions {
  /** Folder for what comes over HTTP; may be the store's. */
  dir: string;
  signal: AbortSignal;
  /** For the whole fetch. */
  timeoutMs: number;
  /** An archive above this is not fetched. */
  maxBytes: number;
}

export interface Fetched {
  /** Path of the tar.gz, checked against its digest. */
  file: string;
  manifest(): Promise<Manifest>;
}

/**
 * Brings an artifact to the local disk: from there, from the store, or from the URL that its source gave.
 * Rejects with ArtifactError: ArtifactMissing when nobody has it (yet), ArtifactUnavailable when its server
 * can't be reached, ArtifactInvalid when the content has another digest, ArtifactTooLarge.
 */
export async function fetchArtifact(
  store: ArtifactStore | undefined,
  artifact: { url: string; digest: string; size?: number },
  options: FetchOptions,
): Promise<Fetched> {
  const { digest } = artifact;
  parseDigest(digest);
  if ((artifact.size ?? 0) > options.maxBytes) throw tooLarge(options.maxBytes);
  const stored = await fromStore(store, digest);
  if (stored !== undefined && store !== undefined) {
    return { file: stored, manifest: () => store.manifest(digest) };
  }
  const cache = createCache({ dir: options.dir, maxBytes: Number.POSITIVE_INFINITY });
  const file =
    (await cache.find(digest)) ?? (await cache.write(digest, download(artifact, options)));
  return { file, manifest: () => readManifest(file) };
}

async function fromStore(
  store: ArtifactStore | undefined,
  digest: string,
): Promise<string | undefined> {
  try {
    return await store?.file(digest);
  } catch (error) {
    // Its source may have it on its own disk.
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
  const body = await request(url, digest, signal);
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

async function request(
  url: string,
  digest: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw unavailable(digest, error, signal);
  }
  if (response.ok && response.body !== null) return response.body;
  await response.body?.cancel();
  if (response.status === 404 || response.status === 410) throw new ArtifactMissing(digest);
  throw unavailable(digest, new Error(`HTTP status ${response.status}`), signal);
}

function unavailable(digest: string, error: unknown, signal: AbortSignal): ArtifactError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = signal.aborted ? 'it took too long, or was cancelled' : messageOf(cause);
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
