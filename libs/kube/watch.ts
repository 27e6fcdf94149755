import type { Caller } from './caller.ts';
import type { Selection } from './client.ts';
import type { Status } from './errors.ts';
import { METADATA, selectors, typed } from './list.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { collectionPath } from './path.ts';
import { errorOfStatus } from './status.ts';

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

interface WireEvent<T> {
  type: string;
  object: T;
}

/** The time after which the server ends a watch: 5 to 10 minutes, random so that not all watches end together. */
function timeoutSeconds(): number {
  return Math.round(300 + Math.random() * 300);
}

/**
 * One watch, starting after a resourceVersion. It returns when the server ends the watch. It throws ConnectionError when
 * the connection breaks, ApiError when the server reports an error (410 means that the caller has to list again), and
 * the signal's reason when the signal aborts.
 */
export async function* watchFrom<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  selection: Selection & { resourceVersion: string },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const response = await caller.stream(
    {
      method: 'GET',
      path: collectionPath(type, selection.namespace),
      query: {
        ...selectors(selection),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: selection.resourceVersion,
        timeoutSeconds: timeoutSeconds(),
      },
      ...(selection.metadataOnly ? { accept: METADATA } : {}),
    },
    signal,
  );
  for await (const line of linesOf(response.chunks)) {
    const event: WireEvent<T> = JSON.parse(line);
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        yield { type: event.type, object: typed(event.object, type) };
        break;
      case 'BOOKMARK':
        yield {
          type: 'BOOKMARK',
          resourceVersion: event.object.metadata.resourceVersion ?? '',
        };
        break;
      case 'ERROR':
        throw errorOfStatus(event.object as Status);
    }
  }
}

const NEWLINE = 0x0a;

/** The complete lines of a byte stream. A last line without a newline at its end is dropped. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE);
      end >= 0;
      start = end + 1, end = chunk.indexOf(NEWLINE, start)
    ) {
      const tail = chunk.subarray(start, end);
      const line = pending.length === 0 ? tail : Buffer.concat([...pending, tail]);
      pending = [];
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}
