// Keeps the tags of each ImageRepository in NATS for restarts and for other replicas. They are derived data, which is
// listed again if it is lost. A few lists are kept in memory as well.
import { randomUUID } from 'node:crypto';
import type { ImageRepository } from '@weir/api';
import { createBoundedMap, createSerial } from '@weir/async';
import { type Bus, BusUnavailable, openValues, subjectToken } from '@weir/bus';
import { objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { PackedTags } from './packed.ts';
import { joinParts, readHeader, splitIntoParts } from './parts.ts';
import { createShares } from './shares.ts';

export interface StoredTags {
  /**
   * The tags that were stored last; undefined if there are none.
   * @throws BusUnavailable
   */
  load(repository: ImageRepository): Promise<PackedTags | undefined>;
  /**
   * Stores the tags, and resolves when NATS has them. While NATS is away they are kept in memory, as far as there is
   * room, and stored when it is back.
   * @throws TagsRefused when the namespace has no room for them
   */
  save(repository: ImageRepository, tags: PackedTags): Promise<void>;
  /**
   * Whether the tags of this revision are stored; true while NATS is away, because that is no reason to list them
   * again.
   */
  has(repository: ImageRepository, revision: string): Promise<boolean>;
  remove(repository: ImageRepository): Promise<void>;
}

export interface StoredTagsOptions {
  bus: Bus;
  /** Bytes of packed tags that are kept in memory. */
  keptBytes: number;
  /** Bytes that the tags of one namespace may take in NATS, counting those that this replica has stored. */
  namespaceBytes: number;
  stack: AsyncDisposableStack;
  log: Logger;
}

const STREAM = 'weir-tags';
/** How often reading is repeated while a list is being replaced. */
const ATTEMPTS = 3;

export function createStoredTags(options: StoredTagsOptions): StoredTags {
  const { bus, keptBytes, namespaceBytes, stack, log } = options;
  const values = openValues({ bus, stream: STREAM });
  const weigh = ({ packed }: PackedTags) => packed.length + 512;
  const kept = createBoundedMap<string, PackedTags>({ max: keptBytes, weigh });
  /** The stored revisions, by UID. */
  const stored = new Map<string, string>();
  /** What is to be stored when NATS is back. */
  const waiting = new Map<string, ImageRepository>();
  const shares = createShares(namespaceBytes);
  const serial = createSerial();

  const prefix = `weir.tags.${subjectToken(bus.cluster)}`;
  const subjectOf = (uid: string, part: number | '>') => `${prefix}.${subjectToken(uid)}.${part}`;

  async function write(uid: string, tags: PackedTags): Promise<void> {
    const parts = splitIntoParts(tags, { id: randomUUID(), maxBytes: values.maxBytes() });
    // The first part names the others, so it is written last.
    for (const [part, content] of [...parts.entries()].reverse()) {
      await values.put(subjectOf(uid, part), content);
    }
    stored.set(uid, tags.revision);
  }

  async function read(uid: string): Promise<PackedTags | undefined> {
    for (let attempt = 1; ; attempt++) {
      const first = await values.get(subjectOf(uid, 0));
      if (first === undefined) return undefined;
      const contents: Uint8Array[] = [first.data];
      const { parts = 0 } = readHeader(first.data) ?? {};
      for (let part = 1; part < parts; part++) {
        const message = await values.get(subjectOf(uid, part));
        if (message !== undefined) contents.push(message.data);
      }
      const tags = joinParts(contents);
      // Another replica may be writing it at this moment.
      if (tags !== undefined || attempt >= ATTEMPTS) return tags;
    }
  }

  async function catchUp(): Promise<void> {
    for (const [uid, repository] of [...waiting]) {
      await serial(uid, async () => {
        const tags = kept.get(uid);
        if (tags !== undefined) await write(uid, tags);
        waiting.delete(uid);
      }).catch((error: unknown) => {
        if (error instanceof BusUnavailable) return;
        log.warn({ err: error, repository: objectKey(repository) }, 'tags not stored');
      });
    }
  }

  stack.defer(bus.onReconnect(() => void catchUp()));
  stack.defer(
    bus.onRecreated((stream) => {
      if (stream === STREAM) stored.clear();
    }),
  );

  return {
    async load({ metadata: { uid = '' }, status }) {
      const own = kept.get(uid);
      if (own !== undefined && own.revision === status?.lastScanResult?.revision) return own;
      const tags = await read(uid).catch((error: unknown) => {
        // A newer list of another replica can't be read now.
        if (error instanceof BusUnavailable && own !== undefined) return own;
        throw error;
      });
      if (tags !== undefined) kept.set(uid, tags);
      return tags;
    },

    async save(repository, tags) {
      const { uid = '', namespace = '' } = repository.metadata;
      await serial(uid, async () => {
        shares.take(namespace, uid, tags.packed.length);
        kept.set(uid, tags);
        // Another replica may have stored a newer list since; then the status names that.
        const isSame = repository.status?.lastScanResult?.revision === tags.revision;
        if (isSame && stored.get(uid) === tags.revision) return;
        try {
          await write(uid, tags);
          waiting.delete(uid);
        } catch (error) {
          if (!(error instanceof BusUnavailable)) throw error;
          waiting.set(uid, repository);
        }
      });
    },

    async has({ metadata: { uid = '', namespace = '' } }, revision) {
      if (stored.get(uid) === revision || waiting.has(uid)) return true;
      try {
        const first = await values.get(subjectOf(uid, 0));
        const header = first && readHeader(first.data);
        if (header?.revision !== revision) return false;
        stored.set(uid, revision);
        shares.note(namespace, uid, header.bytes);
        return true;
      } catch (error) {
        if (error instanceof BusUnavailable) return true;
        throw error;
      }
    },

    async remove({ metadata: { uid = '', namespace = '' } }) {
      await serial(uid, async () => {
        shares.release(namespace, uid);
        kept.delete(uid);
        stored.delete(uid);
        waiting.delete(uid);
      });
      bus.purge(STREAM, subjectOf(uid, '>'));
    },
  };
}
