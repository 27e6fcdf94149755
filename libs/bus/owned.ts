import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { Logger } from '@weir/telemetry';
import { type StreamName, type StreamSettings, streamDefinition } from './definitions.ts';
import { findFormer, freeSubjects, retireFormer } from './former.ts';
import { ensureStream } from './streams.ts';

export interface OwnedStreams {
  has(stream: StreamName): boolean;
  /** Creates or updates all of them. */
  ensureAll(js: JetStreamClient): Promise<void>;
  /** Creates one of them again. */
  ensure(js: JetStreamClient, stream: StreamName): Promise<void>;
  /** Called when a stream was created anew, by this or another replica: its contents are gone. */
  onRecreated(callback: (stream: StreamName) => void): () => void;
}

/** The streams that a service creates and updates; it never changes those of others. */
export function createOwnedStreams(options: {
  names: readonly StreamName[];
  settings: StreamSettings;
  log: Logger;
}): OwnedStreams {
  const { names, settings, log } = options;
  const callbacks = new Set<(stream: StreamName) => void>();
  // The time of creation distinguishes a stream from a later one of the same name.
  const created = new Map<StreamName, string>();

  async function ensureWith(
    js: JetStreamClient,
    jsm: JetStreamManager,
    name: StreamName,
  ): Promise<void> {
    const former = await findFormer(jsm, name);
    if (former !== undefined) await freeSubjects(jsm, former);
    const { info, made } = await ensureStream(jsm, streamDefinition(name, settings), log);
    if (former !== undefined) await retireFormer(js, jsm, former, log);
    const before = created.get(name);
    created.set(name, info.created);
    if (!made && (before === undefined || before === info.created)) return;
    for (const callback of [...callbacks]) callback(name);
  }

  return {
    has: (stream) => names.includes(stream),
    async ensureAll(js) {
      const jsm = await js.jetstreamManager(false);
      // The streams are created one after the other, so that if storage is short the first ones in the list get it.
      for (const name of names) await ensureWith(js, jsm, name);
    },
    ensure: async (js, stream) => ensureWith(js, await js.jetstreamManager(false), stream),
    onRecreated(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
  };
}
