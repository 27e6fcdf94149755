// Finds the Receivers of a path. A status names the path, but whoever may write the status of their own Receiver can
// write another's path there: so each replica computes the paths itself, from what only the owner of a Secret can set.
import type { Receiver } from '@weir/api';
import { createFairLimit, createFreshFlight, orAborted } from '@weir/async';
import { type Informer, indexBy } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';

export interface WebhookPaths {
  /**
   * The Receivers whose own token, name and namespace give this path, the oldest first. There can be several for types
   * without a token, because name and namespace are joined without a separator.
   */
  at(path: string): Promise<Receiver[]>;
  /** Records the path that a reconcile has computed for a Receiver; undefined if it has none. */
  set(receiver: Receiver, path: string | undefined): void;
  close(): void;
}

export interface WebhookPathsOptions {
  informer: Informer<Receiver>;
  /** Computes a path from the present Secret; undefined if there is no token. Rejects when it can't be read. */
  compute(receiver: Receiver): Promise<string | undefined>;
  log: Logger;
}

/** Secrets that are read at a time, fairly by namespace. */
const READING = 8;
const RETRY_MS = 5_000;
/** How long a call waits for the path of a new Receiver. Milliseconds. */
const WAIT_MS = 2_000;
/** Receivers with a path in their status that a call waits for: others of them may be anybody's. */
const WAITED_FOR = 16;

export function createWebhookPaths(options: WebhookPathsOptions): WebhookPaths {
  const { informer, log } = options;
  const claims = indexBy(informer, ({ status }) =>
    status?.webhookPath === undefined ? [] : [status.webhookPath],
  );
  const paths = new Map<string, string>();
  // The keys of the Receivers with each path, so that a call costs the same however many claim its path.
  const owners = new Map<string, Set<string>>();
  const pending = new Map<string, Promise<void>>();
  const flight = createFreshFlight<void>();
  const slots = createFairLimit(READING);
  const closed = new AbortController();
  const timers = new Set<NodeJS.Timeout>();

  function set(receiver: Receiver, path: string | undefined): void {
    const uid = uidOf(receiver);
    const key = objectKey(receiver);
    const before = paths.get(uid);
    if (before !== undefined) {
      const keys = owners.get(before);
      keys?.delete(key);
      if (keys?.size === 0) owners.delete(before);
    }
    if (path === undefined) {
      paths.delete(uid);
      return;
    }
    paths.set(uid, path);
    owners.set(path, (owners.get(path) ?? new Set()).add(key));
  }

  async function look(key: string): Promise<void> {
    const receiver = informer.get(key);
    if (receiver === undefined || closed.signal.aborted) return;
    const uid = uidOf(receiver);
    try {
      const namespace = receiver.metadata.namespace ?? '';
      const path = await slots.run(namespace, () => options.compute(receiver), closed.signal);
      if (informer.get(key)?.metadata.uid === uid) set(receiver, path);
    } catch (error) {
      if (closed.signal.aborted) return;
      log.debug({ err: error, receiver: key }, 'The path of a webhook is not known yet');
      const timer = setTimeout(() => {
        timers.delete(timer);
        recompute(receiver);
      }, RETRY_MS);
      timers.add(timer.unref());
    }
  }

  function recompute(receiver: Receiver): void {
    const uid = uidOf(receiver);
    const key = objectKey(receiver);
    const looking = flight(key, () => look(key)).finally(() => {
      if (pending.get(uid) === looking) pending.delete(uid);
    });
    pending.set(uid, looking);
  }

  const stop = informer.onChange(({ type, object, previous }) => {
    const uid = uidOf(object);
    if (type === 'deleted') {
      set(object, undefined);
      return;
    }
    const known = paths.get(uid);
    const claimed = object.status?.webhookPath;
    const isSame = previous?.metadata.generation === object.metadata.generation;
    // The status is only a hint that something has changed.
    if (isSame && (claimed === previous?.status?.webhookPath || claimed === known)) return;
    recompute(object);
  });
  for (const receiver of informer.list()) recompute(receiver);

  function ownersOf(path: string): Receiver[] {
    return (
      [...(owners.get(path) ?? [])]
        .flatMap((key) => informer.get(key) ?? [])
        .filter((receiver) => paths.get(uidOf(receiver)) === path)
        // A Receiver whose reconcile has failed has no path.
        .filter(({ status }) => status?.webhookPath === path)
        .toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
    );
  }

  return {
    async at(path) {
      const found = ownersOf(path);
      if (found.length > 0) return found;
      const waiting = claims.get(path).flatMap((receiver) => pending.get(uidOf(receiver)) ?? []);
      if (waiting.length === 0) return [];
      const all = Promise.all(waiting.slice(0, WAITED_FOR));
      const late = AbortSignal.timeout(WAIT_MS);
      await orAborted(all, late).catch((error: unknown) => {
        if (!late.aborted) throw error;
      });
      return ownersOf(path);
    },
    set,
    close() {
      stop();
      claims.close();
      closed.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function uidOf(receiver: Receiver): string {
  return receiver.metadata.uid ?? objectKey(receiver);
}

/** The time of creation, and the name if two have the same. */
function ageOf({ metadata }: Receiver): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.namespace}/${metadata.name}`;
}
