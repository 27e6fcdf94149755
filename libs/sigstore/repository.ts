// Reads from a TUF repository the file with Sigstore's certificates and keys: it verifies the metadata, starting from
// the pinned root, and then the file that the metadata names. What was verified is kept in a folder.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connections } from '@weir/net';
// The client's entry point does not export this error, which it throws when there is no newer root.
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import type { Fetcher } from 'tuf-js/dist/fetcher.js';
import { Updater } from 'tuf-js/dist/updater.js';
import { SigstoreError } from './errors.ts';
import { download, UnexpectedStatus } from './fetcher.ts';

export interface RefreshOptions {
  /** URL of the repository's metadata; its files are below `targets`. */
  url: URL;
  /** The text of the root that trust starts from. */
  pinned: string;
  /** Folder for what was verified. It is used for this repository and this pinned root alone. */
  dir: string;
  /** When undefined, nothing is downloaded: only what the folder holds is used, if it has not expired. */
  connections: Connections | undefined;
  /** Aborts the downloads. */
  signal: AbortSignal;
}

/** The file that Sigstore's clients verify with (sigstore/root-signing). */
const TARGET = 'trusted_root.json';
/** Bytes of that file at most; Sigstore's has 7 kB. */
const MAX_TARGET_BYTES = 1024 ** 2;
/** How many newer roots may follow the pinned one: Sigstore published 16 in five years. */
const MAX_ROTATIONS = 64;

/**
 * Reads the trusted root of a repository as the TUF specification says (5, "Detailed client workflow").
 * @throws SigstoreError
 */
export async function readTrustedRoot(options: RefreshOptions): Promise<string> {
  const { dir, connections, url } = options;
  try {
    await mkdir(dir, { recursive: true });
    const updater = await openUpdater(options);
    await updater.refresh();
    const target = await updater.getTargetInfo(TARGET);
    if (target === undefined) {
      throw new SigstoreError('Unavailable', `the repository has no file ${TARGET}`);
    }
    if (target.length > MAX_TARGET_BYTES) {
      const message = `${TARGET} has ${target.length} bytes, of ${MAX_TARGET_BYTES} at most`;
      throw new SigstoreError('Unavailable', message);
    }
    const path = join(dir, 'targets', TARGET);
    await mkdir(join(dir, 'targets'), { recursive: true });
    const isKept = (await updater.findCachedTarget(target, path)) !== undefined;
    if (!isKept) await updater.downloadTarget(target, path, new URL('targets', url).href);
    const root = await readFile(path, 'utf8');
    if (connections !== undefined) await noteRefresh(dir);
    return root;
  } catch (cause) {
    throw asSigstoreError(cause);
  }
}

/** The last file that a refresh writes, unless nothing is new. */
const LAST_FILE = 'timestamp.json';

/** When the metadata was last refreshed, in ms since 1970; 0 for never. */
export async function lastRefresh(dir: string): Promise<number> {
  return stat(join(dir, LAST_FILE)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function noteRefresh(dir: string): Promise<void> {
  const now = new Date();
  await utimes(join(dir, LAST_FILE), now, now);
}

async function openUpdater(options: RefreshOptions): Promise<Updater> {
  const { url, pinned, dir, connections } = options;
  const open = () =>
    new Updater({
      ...{ metadataDir: dir, metadataBaseUrl: url.href, fetcher: fetcherOf(options) },
      forceCache: connections === undefined,
      config: { maxRootRotations: MAX_ROTATIONS },
    });
  try {
    return open();
  } catch {
    // The folder has no root yet, or one that was only partly written.
    await writeFile(join(dir, 'root.json'), pinned);
    return open();
  }
}

function fetcherOf({ dir, connections, signal }: RefreshOptions): Fetcher {
  const downloadBytes = async (url: string, maxBytes: number): Promise<Buffer> => {
    if (connections === undefined) {
      throw new SigstoreError('Unavailable', 'what was downloaded before holds no longer');
    }
    return await download(connections, new URL(url), maxBytes, signal).catch((error: unknown) => {
      if (!(error instanceof UnexpectedStatus)) throw error;
      throw new DownloadHTTPError(error.message, error.status);
    });
  };
  return {
    downloadBytes,
    async downloadFile(url, maxBytes, handle) {
      const file = join(dir, `${randomUUID()}.part`);
      try {
        await writeFile(file, await downloadBytes(url, maxBytes));
        return await handle(file);
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

/** How many characters of the client's message are quoted: parts of it come from the repository. */
const MAX_MESSAGE = 300;

function asSigstoreError(cause: unknown): SigstoreError {
  if (cause instanceof SigstoreError) return cause;
  const { message } = cause instanceof Error ? cause : new Error(String(cause));
  return new SigstoreError(
    'Unavailable',
    message.replace(/\s+/g, ' ').slice(0, MAX_MESSAGE),
    cause,
  );
}
