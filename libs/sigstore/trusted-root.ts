// Whom keyless signatures are trusted for where nobody names a root: what Sigstore publishes, or an operator's mirror of it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSingleFlight } from '@weir/async';
import { type Connections, keepConnections } from '@weir/net';
import type { Logger } from '@weir/telemetry';
import { SigstoreError } from './errors.ts';

export interface TrustedRoot {
  /**
   * The text of `trusted_root.json` as it is now, or as it was a day ago at most; while the repository can't be reached, as it
   * was when the repository was last looked at, for as long as that may count.
   * @throws SigstoreError
   */
  read(): Promise<string>;
  /** Closes connections. */
  close(): void;
}

export interface TrustedRootOptions {
  /** URL of the TUF repository. */
  url: string;
  /** The root that is trusted to begin with, as JSON or as the path of a file; Sigstore's unless given. */
  root?: string | undefined;
  /** Folder for what was downloaded and verified. */
  dir: string;
  /** Where the operator's proxies are looked up. */
  environment?: NodeJS.ProcessEnv | undefined;
  log: Logger;
  /** Ends downloads. */
  signal: AbortSignal;
  /** The clock, in ms. */
  now?: () => number;
}

/** Sigstore's root of 2025-2026; every later one is signed by it or by one between. */
const PINNED = new URL('./public-root.json', import.meta.url);
/** How long a look counts, in ms. Sigstore's timestamps hold for a week. */
const FRESH_MS = 24 * 60 * 60_000;
/** The longest that one look may take, in ms. */
const LOOK_MS = 60_000;
/** How long nobody tries again after a look that failed, in ms, with something to go on with and without. */
const RETRY_MS = { withRoot: 10 * 60_000, without: 5_000 };

/** What is known now: a root, or why there is none, and until when (ms) nobody looks again. */
type Known = { until: number } & ({ root: string } | { error: SigstoreError });

/**
 * Reads nothing and connects to nobody until it is asked: a cluster without keyless signatures never talks to Sigstore.
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

  async function look(isOnline: boolean): Promise<string> {
    const { readTrustedRoot } = await import('./repository.ts');
    // The address is the operator's: any host may be it.
    if (isOnline) connections ??= keepConnections({ allowLocal: true, environment });
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(LOOK_MS)]);
    return readTrustedRoot({
      ...(await place()),
      ...{ signal, connections: isOnline ? connections : undefined },
    });
  }

  /** What was downloaded before, where that isn't too old. */
  const whatHolds = () => look(false).catch(() => undefined);

  async function update(): Promise<string> {
    if (known === undefined) {
      const { lastLook } = await import('./repository.ts');
      const until = (await lastLook((await place()).dir)) + FRESH_MS;
      const root = now() < until ? await whatHolds() : undefined;
      if (root !== undefined) return remember(root, until);
    }
    try {
      return remember(await look(true), now() + FRESH_MS);
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

/** With a slash at the end, so that files are below it. */
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

/** What another repository said, or what another root led to, counts for nothing. */
function folderOf(dir: string, url: URL, pinned: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([url.href, pinned]))
    .digest('hex');
  return join(dir, hash.slice(0, 32));
}
