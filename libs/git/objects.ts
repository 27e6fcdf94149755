import { PassThrough } from 'node:stream';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { streamProcess } from './process.ts';

export interface ReadOptions {
  /** The bare repository. */
  dir: string;
  /** Milliseconds for all that is read. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  limits?: Partial<GitLimits> | undefined;
}

export interface GitObject {
  id: string;
  type: string;
  /** Bytes of the content. */
  size: number;
  /** The content as a stream, to be read once and before the next object; the rest of it is skipped then. */
  content: AsyncIterable<Buffer>;
}

/** An open repository; one read at a time. */
export interface ObjectReader {
  /**
   * Reads objects in the order asked for. No object is in memory as a whole. After stopping early nothing else can be
   * read, because git's answers to the remaining requests are in the way.
   * @param maxBytes the limit of all of them together
   * @throws GitError LimitExceeded; ReferenceNotFound for an object that the repository lacks
   */
  read(ids: Iterable<string>, maxBytes: number): AsyncGenerator<GitObject>;
}

const doing = 'unable to read objects';

/** Opens a repository for reading, with one `git cat-file --batch` for all that `use` reads. */
export async function withObjects<T>(
  options: ReadOptions,
  use: (objects: ObjectReader) => Promise<T>,
): Promise<T> {
  const { dir, timeoutMs, signal, limits } = options;
  const input = new PassThrough();
  const env = gitEnvironment({ gitDir: dir });
  const args = ['cat-file', '--batch'];
  const source = countedReader(
    streamProcess({ doing, args, env, cwd: dir, input, timeoutMs, signal, limits }),
  );
  try {
    return await use({ read: (ids, maxBytes) => readObjects(source, input, ids, maxBytes) });
  } finally {
    input.end();
    await source.close();
  }
}

/** Object ids that are sent to git ahead of its answers. */
const ASKED_AHEAD = 100;

async function* readObjects(
  source: CountedReader,
  input: PassThrough,
  ids: Iterable<string>,
  maxBytes: number,
): AsyncGenerator<GitObject> {
  let left = maxBytes;
  for (const some of inGroups(ids, ASKED_AHEAD)) {
    input.write(`${some.join('\n')}\n`);
    for (const wanted of some) {
      const [id = wanted, type, size] = (await source.line())?.split(' ') ?? [];
      if (type === undefined || size === undefined) {
        throw new GitError('ReferenceNotFound', `${doing}: object ${id} not found`);
      }
      left -= Number(size);
      if (left < 0) {
        const limit = `more than ${maxBytes} bytes`;
        throw new GitError('LimitExceeded', `${doing}: the repository holds ${limit}: ${leaveOut}`);
      }
      const content = source.bytes(Number(size));
      yield { id, type, size: Number(size), content };
      for await (const _ of content);
      for await (const _ of source.bytes(1));
    }
  }
}

function* inGroups(ids: Iterable<string>, size: number): Generator<string[]> {
  let group: string[] = [];
  for (const id of ids) {
    group.push(id);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** The advice for a repository that is too large. */
const leaveOut = 'leave files out with spec.ignore or .sourceignore';

/**
 * The whole content of an object that is known to be small.
 * @throws GitError LimitExceeded above `maxBytes`; `what` names the object in the message
 */
export async function wholeContent(
  { size, content }: Pick<GitObject, 'size' | 'content'>,
  maxBytes: number,
  what: string,
): Promise<Buffer> {
  if (size > maxBytes) {
    throw new GitError('LimitExceeded', `${what} is larger than ${maxBytes} bytes`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface CountedReader {
  line(): Promise<string | undefined>;
  /** The next `count` bytes, in pieces that share memory with what came from git. */
  bytes(count: number): AsyncIterable<Buffer>;
  close(): Promise<unknown>;
}

/** The longest line of git's answers: an object id, a type and a size, or the text about a missing object. */
const MAX_LINE = 1024;

/** Reads lines and counted bytes from chunks. */
function countedReader(stream: AsyncGenerator<Buffer>): CountedReader {
  let chunk: Buffer = Buffer.alloc(0);
  async function more(): Promise<boolean> {
    const next = await stream.next();
    if (next.done) return false;
    chunk = chunk.length === 0 ? next.value : Buffer.concat([chunk, next.value]);
    return true;
  }
  async function line(): Promise<string | undefined> {
    for (;;) {
      const end = chunk.indexOf(0x0a);
      if (end >= 0) {
        const text = chunk.toString('utf8', 0, end);
        chunk = chunk.subarray(end + 1);
        return text;
      }
      if (chunk.length > MAX_LINE) {
        throw new GitError('GitOperationFailed', `${doing}: git's answer can't be read`);
      }
      if (!(await more())) return undefined;
    }
  }
  function bytes(count: number): AsyncIterable<Buffer> {
    let missing = count;
    async function next(): Promise<IteratorResult<Buffer, undefined>> {
      if (missing === 0) return { done: true, value: undefined };
      if (chunk.length === 0 && !(await more())) {
        throw new GitError('GitOperationFailed', `${doing}: git ended early`);
      }
      const part = chunk.subarray(0, missing);
      chunk = chunk.subarray(part.length);
      missing -= part.length;
      return { done: false, value: part };
    }
    // Every iterator continues where the previous one stopped, so a reader may stop early and the rest is skipped.
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
  return { line, bytes, close: () => stream.return(undefined) };
}
