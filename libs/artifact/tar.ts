import { ArtifactError } from './errors.ts';

/** An entry of a tar. */
export interface TarEntry {
  /** As in the archive: it may be absolute, or lead out of the folder that it is unpacked to. */
  path: string;
  type: 'file' | 'hard-link' | 'symbolic-link' | 'folder' | 'other';
  /** Permission bits. */
  mode: number;
  /** Bytes of the content. */
  size: number;
  /** Has to be read before the next entry is requested, or not at all. */
  content: AsyncIterable<Uint8Array>;
}

export interface TarLimits {
  /** Entries of any type. */
  maxEntries: number;
  /** Bytes of all long names and attributes. */
  maxMetaBytes?: number;
}

const BLOCK = 512;
const MAX_META_BYTES = 16 * 1024 ** 2;
/** Bytes of the long names and attributes of one entry, as in Go's reader. */
const MAX_ENTRY_META_BYTES = 1024 ** 2;

const TYPES: Record<string, TarEntry['type']> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symbolic-link',
  '5': 'folder',
};

interface Header {
  path: string;
  mode: number;
  size: number;
  type: string;
}

/**
 * Reads a tar (POSIX.1-1988, POSIX.1-2001 and GNU's long names) that anybody may have made. Only one name and the
 * attributes of one entry are in memory.
 * @throws ArtifactError ArtifactInvalid for what is no tar, is cut short or has sparse files; ArtifactTooLarge
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  { maxEntries, maxMetaBytes = MAX_META_BYTES }: TarLimits,
): AsyncGenerator<TarEntry> {
  const input = createInput(chunks);
  let metaBytes = 0;
  let entries = 0;
  let next: Partial<Pick<Header, 'path' | 'size'>> = {};

  async function readMeta({ size }: Header): Promise<Buffer> {
    metaBytes += size;
    if (size > MAX_ENTRY_META_BYTES || metaBytes > maxMetaBytes) {
      throw tooLarge('describes its files with too many bytes');
    }
    const bytes = await input.take(size);
    await input.skip(paddingOf(size));
    return bytes;
  }

  for (;;) {
    const block = await input.takeBlock();
    // A block of zeros ends an archive; the second one that follows it is not needed.
    if (block === undefined || block.every((byte) => byte === 0)) return;
    const header = parseHeader(block);
    if (++entries > maxEntries) throw tooLarge(`holds more than ${maxEntries} files and folders`);
    if (header.type === 'g') {
      await readMeta(header);
    } else if (header.type === 'x') {
      next = { ...next, ...parseAttributes(await readMeta(header)) };
    } else if (header.type === 'L') {
      next = { ...next, path: untilZero((await readMeta(header)).toString('utf8')) };
    } else if (header.type === 'K') {
      await readMeta(header);
    } else {
      const { path, size } = { ...header, ...next };
      next = {};
      const type = typeOf(header.type, path);
      const length = type === 'file' || type === 'other' ? size : 0;
      const rest = { bytes: length };
      yield { path, type, mode: header.mode, size: length, content: input.stream(rest) };
      await input.skip(rest.bytes + paddingOf(length));
    }
  }
}

function typeOf(flag: string, path: string): TarEntry['type'] {
  if (flag === 'S') throw invalid('has a sparse file');
  const type = TYPES[flag] ?? 'other';
  return type === 'file' && path.endsWith('/') ? 'folder' : type;
}

function parseHeader(block: Buffer): Header {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (parseNumber(block.subarray(148, 156)) !== sum) throw invalid('has a damaged header');
  const name = untilZero(block.toString('utf8', 0, 100));
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? untilZero(block.toString('utf8', 345, 500)) : '';
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    mode: parseNumber(block.subarray(100, 108)) & 0o7777,
    size: parseNumber(block.subarray(124, 136)),
    type: String.fromCharCode(block[156] ?? 0),
  };
}

/** Octal digits, or a number in base 256 where the first bit is set (GNU). */
function parseNumber(field: Buffer): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    if (first === 0xff || !Number.isSafeInteger(value)) throw invalid('has a number out of range');
    return value;
  }
  const text = untilZero(field.toString('latin1')).trim();
  if (!/^[0-7]*$/.test(text)) throw invalid('has a damaged header');
  return Number.parseInt(text || '0', 8);
}

/**
 * The records `<length> <key>=<value>
 * ` of a POSIX.1-2001 header that are needed here.
 */
function parseAttributes(bytes: Buffer): Partial<Pick<Header, 'path' | 'size'>> {
  const found: Partial<Pick<Header, 'path' | 'size'>> = {};
  let left = bytes;
  while (left.length > 0) {
    const length = Number(/^(\d{1,7}) /.exec(left.toString('latin1', 0, 10))?.[1]);
    // The length counts bytes, and a value need not be valid UTF-8.
    const record = left.subarray(0, length);
    const start = record.indexOf(' ') + 1;
    const equals = record.indexOf('=');
    if (!(length > 0) || record.length !== length || equals <= start || record.at(-1) !== 0x0a) {
      throw invalid('has damaged attributes');
    }
    const key = record.toString('utf8', start, equals);
    const value = record.toString('utf8', equals + 1, length - 1);
    if (key.startsWith('GNU.sparse.')) throw invalid('has a sparse file');
    if (key === 'path') found.path = value;
    if (key === 'size') {
      found.size = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(found.size)) {
        throw invalid('has a number out of range');
      }
    }
    left = left.subarray(length);
  }
  return found;
}

/** Reads a given number of bytes from chunks of any size. */
function createInput(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]();
  let buffered: Buffer = Buffer.alloc(0);

  /** At least one byte, at most `wanted`; undefined at the end. */
  async function some(wanted: number): Promise<Buffer | undefined> {
    while (buffered.length === 0) {
      const { done, value } = await iterator.next();
      if (done) return undefined;
      buffered = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const part = buffered.subarray(0, wanted);
    buffered = buffered.subarray(part.length);
    return part;
  }

  async function take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      const part = await some(missing);
      if (part === undefined) throw invalid('is cut short');
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async function* stream(rest: { bytes: number }): AsyncGenerator<Buffer> {
    while (rest.bytes > 0) {
      const part = await some(rest.bytes);
      if (part === undefined) throw invalid('is cut short');
      rest.bytes -= part.length;
      yield part;
    }
  }

  return {
    take,
    stream,
    /** Undefined at the end of the input: an archive may lack the final blocks of zeros. */
    async takeBlock(): Promise<Buffer | undefined> {
      const start = await some(BLOCK);
      if (start === undefined) return undefined;
      return start.length === BLOCK
        ? start
        : Buffer.concat([start, await take(BLOCK - start.length)]);
    },
    async skip(size: number): Promise<void> {
      for await (const _ of stream({ bytes: size }));
    },
  };
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function untilZero(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function invalid(what: string): ArtifactError {
  return new ArtifactError('ArtifactInvalid', `the archive ${what}`);
}

function tooLarge(what: string): ArtifactError {
  return new ArtifactError('ArtifactTooLarge', `the archive ${what}`);
}
