// A tree object lists one folder: `<octal mode> <name>\0<id in bytes>`, entry after entry, without separators.
import { GitError } from './errors.ts';

export interface RawEntry {
  mode: number;
  name: string;
  /** Bytes of the name in UTF-8. */
  nameBytes: number;
  /** Object id in hex. */
  id: string;
}

export const folderMode = 0o40000;
/** A commit of another repository. */
export const submoduleMode = 0o160000;

export function isRegularFile(mode: number): boolean {
  return mode >> 12 === 0o10;
}

/** As in Linux (NAME_MAX), in bytes. */
const MAX_NAME_BYTES = 255;
/** git writes six digits, old versions of it a leading zero less. */
const MAX_MODE_DIGITS = 6;

/**
 * Parses a tree object while it comes; at most one entry is kept between two chunks, so a folder of any size costs nothing
 * until its entries are kept.
 * @param idBytes 20 for SHA-1, 32 for SHA-256
 * @throws GitError LimitExceeded for a name above 255 bytes; GitOperationFailed for a name that leaves the folder, or for
 *   what is no tree
 */
export async function* treeEntries(
  content: AsyncIterable<Buffer>,
  idBytes: number,
): AsyncGenerator<RawEntry> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of content) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const found = parseEntry(bytes, at, idBytes);
      if (found === undefined) break;
      at = found.end;
      yield found.entry;
    }
    rest = Buffer.from(bytes.subarray(at));
  }
  if (rest.length > 0) throw new GitError('GitOperationFailed', 'a folder cannot be read');
}

/** The entry that begins at `at`; undefined when more bytes are needed. */
function parseEntry(bytes: Buffer, at: number, idBytes: number) {
  const modeEnd = indexWithin(bytes, 0x20, at, MAX_MODE_DIGITS);
  if (modeEnd === 'beyond') throw new GitError('GitOperationFailed', 'a folder cannot be read');
  if (modeEnd === 'missing') return undefined;
  const start = modeEnd + 1;
  const end = indexWithin(bytes, 0, start, MAX_NAME_BYTES);
  if (end === 'beyond') {
    const name = bytes.toString('utf8', start, start + 50);
    throw new GitError(
      'LimitExceeded',
      `the name '${name}...' has more than ${MAX_NAME_BYTES} bytes: shorten it`,
    );
  }
  if (end === 'missing' || bytes.length < end + 1 + idBytes) return undefined;
  const name = bytes.toString('utf8', start, end);
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw new GitError('GitOperationFailed', `the tree holds an unsafe path '${name}'`);
  }
  const mode = Number.parseInt(bytes.toString('latin1', at, modeEnd), 8);
  const id = bytes.toString('hex', end + 1, end + 1 + idBytes);
  return { entry: { mode, name, nameBytes: end - start, id }, end: end + 1 + idBytes };
}

/** Where a byte is that comes after at most `max` others: its index, or why there is none. */
function indexWithin(
  bytes: Buffer,
  byte: number,
  from: number,
  max: number,
): number | 'missing' | 'beyond' {
  const end = Math.min(bytes.length, from + max + 1);
  const index = bytes.subarray(from, end).indexOf(byte);
  if (index >= 0) return from + index;
  return bytes.length > from + max ? 'beyond' : 'missing';
}
