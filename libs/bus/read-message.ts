import type { DirectMsgRequest, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import type { StreamName } from './definitions.ts';

/**
 * The message of a stream that a query names; undefined if there is none. Any replica of the stream answers first,
 * which is cheap, but may be a little behind. Only when it has no such message, the leader is asked.
 */
export async function readMessage(
  jsm: JetStreamManager,
  stream: StreamName,
  query: { seq: number } | { last_by_subj: string },
): Promise<StoredMsg | undefined> {
  const found = await jsm.direct.getMessage(stream, query as DirectMsgRequest);
  return found ?? (await jsm.streams.getMessage(stream, query)) ?? undefined;
}
