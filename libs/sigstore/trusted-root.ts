// The trusted root for keyless signatures when no object names another: the one that Sigstore publishes, or an
// operator's mirror of it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSingleFlight } from '@weir/async';
import { type Connections, keepConnections } from '@weir/net';
import type { Logger } from '@weir/telemetry';
import { SigstoreError } from './errors.ts';

export interface TrustedRoot {
  /**
   * The text of `trusted_root.json`, at most a day old. While the repository can't be reached, it is the text that was
   * read last, until the metadata for it expires.
   * @throws SigstoreError
   */
  read(): Promise<string>;
  /** Closes connections. */
  close(): void;
}

export interface TrustedRootOptions {
  /** URL of the TUF repository. */
  url: string;
  /** The root that trust starts from, as JSON or as the path of a file; Sigstore's unless given. */
  root?: string | undefined;
  /** Folder for what was downloaded and verified. */
  dir: string;
  /** The environment whose proxy variables are used. */
  environment?: NodeJS.ProcessEnv | undefined;
  log: Logger;
  /** Aborts downloads. */
  signal: AbortSignal;
  /** Returns the time in ms. */
  now?: () => number;
}

/** Sigstore's root of 2025-2026. Each later root is signed by the one before it. */
const PINNED = new URL('./public-root.json', import.meta.url);
/** How long a result counts as fresh, in ms. Sigstore's timestamps are valid for a week. */
const FRESH_MS = 24 * 60 * 60_000;
/** The longest that one update may take, in ms. */
const REFRESH_MS = 60_000;
/** The pause after an update that failed, in ms, with and without an older root that still holds. */
const RETRY_MS = { withRoot: 10 * 60_000, without: 5_000 };

/** The current result, a root or an error, and the time (in ms) of the next update. */
type Known = { until: number } & ({ root: string } | { error: SigstoreError });

/**
 * Reads and downloads nothing before the first call of `read`: a cluster without keyless signatures never connects to
 * Sigstore.
 */
export function createTrustedRoot(options: TrustedRootOptions): TrustedRoot {
  const { dir, environment, log, now = Date.now } = options;
  const share = createSingleFlight<string>();
  let connections: Connections | undefined;
  let known: Known | undefined;

  /** The repository, and the folder for what was verified of it. */
  async function place() {
    const url = urlOf(options.url);
    const pinned = await readPinned(options.root);
    return { url, pinned, dir: folderOf(dir, url, pinned) };
  }

  async function read(isOnline: boolean): Promise<string> {
    const { readTrustedRoot } = await import('./repository.ts');
    // Any host is allowed, as the operator sets the address.
    if (isOnline) connections ??= keepConnections({ allowLocal: true, environment });
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(REFRESH_MS)]);
    return readTrustedRoot({
      ...(await place()),
      ...{ signal, connections: isOnline ? connections : undefined },
    });
  }

  /** What was downloaded before, where that isn't too old. */
  const whatHolds = () => read(false).catch(() => undefined);

  async function update(): Promise<string> {
    if (known === undefined) {
      const { lastRefresh } = await import('./repository.ts');
      const until = (await lastRefresh((await place()).dir)) + FRESH_MS;
      const root = now() < until ? await whatHolds() : undefined;
      if (root !== undefined) return remember(root, until);
    }
    try {
      return remember(await read(true), now() + FRESH_MS);
    } catch (cause) {
      if (!(cause instanceof SigstoreError)) throw cause;
      const message = `unable to initialize trusted root: ${options.url}: ${cause.message}`;
      const error = new SigstoreError(cause.reason, message, cause);
      const root = await whatHolds();
      if (root === undefined) {
        known = { error, until: now() + RETRY_MS.without };
        throw error;
      }
      log.warn({ err: error }, 'trust what Sigstore published when it was last reached');
      return remember(root, now() + RETRY_MS.withRoot);
    }
  }

  function remember(root: string, until: number): string {
    known = { root, until };
    return root;
  }

  return {
    async read() {
      if (known === undefined || now() >= known.until) return share('root', update);
      if ('error' in known) throw known.error;
      return known.root;
    },
    close: () => connections?.close(),
  };
}

/** A slash is added at the end, so that relative paths resolve below the URL. */
function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    const message = '--sigstore-tuf-url is no URL of http or https';
    throw new SigstoreError('InvalidConfiguration', message);
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

async function readPinned(root: string | undefined): Promise<string> {
  if (root?.trimStart().startsWith('{')) return root;
  try {
    return await readFile(root ?? PINNED, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SigstoreError('InvalidConfiguration', `--sigstore-tuf-root: ${why}`, cause);
  }
}

/** Each repository and pinned root has its own folder, so that nothing that was verified for one counts for another. */
function folderOf(dir: string, url: URL, pinned: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([url.href, pinned]))
    .digest('hex');
  return join(dir, hash.slice(0, 32));
}
