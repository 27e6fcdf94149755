// The contents of many files, one after the other, in pieces of a size that is worth a call: most layers are small, and are never
// written to the disk.
import { type FileHandle, open, rm } from 'node:fs/promises';

export interface ContentsFile {
  /** Bytes so far. */
  size(): number;
  append(chunk: Uint8Array): Promise<void>;
  /** Bytes of what was appended, in pieces. Nothing is appended any more. @throws Error where the disk has less */
  read(offset: number, size: number): AsyncGenerator<Buffer>;
  /** Takes it off the disk. */
  remove(): Promise<void>;
}

/** What is in memory at most, while it is written and while it is read. */
const PIECE = 256 * 1024;

/** @param path of a file that isn't there, and that is made once there is more than fits into memory */
export function createContentsFile(path: string): ContentsFile {
  let file: FileHandle | undefined;
  let onDisk = 0;
  /** What comes after the bytes on the disk. It is copied, as a byte of a chunk would keep all of the chunk in memory. */
  let tail: Buffer = Buffer.alloc(0);
  let tailBytes = 0;
  /** The piece that was read last. */
  let piece = { start: 0, bytes: Buffer.alloc(0) as Buffer };

  async function write(bytes: Uint8Array): Promise<void> {
    file ??= await open(path, 'wx+', 0o640);
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, onDisk + at)).bytesWritten;
    }
    onDisk += bytes.length;
  }

  /** The piece that begins at an offset, or a part of the one before it. */
  async function pieceAt(offset: number): Promise<Buffer> {
    const end = piece.start + piece.bytes.length;
    if (offset < piece.start || offset >= end) piece = { start: offset, bytes: await load(offset) };
    return piece.bytes.subarray(offset - piece.start);
  }

  async function load(offset: number): Promise<Buffer> {
    if (offset >= onDisk) return tail.subarray(offset - onDisk, tailBytes);
    const bytes = Buffer.allocUnsafe(Math.min(PIECE, onDisk - offset));
    const read = await file?.read(bytes, 0, bytes.length, offset);
    return bytes.subarray(0, read?.bytesRead ?? 0);
  }

  return {
    size: () => onDisk + tailBytes,
    async append(chunk) {
      if (tailBytes + chunk.length > PIECE) {
        await write(tail.subarray(0, tailBytes));
        tailBytes = 0;
      }
      if (chunk.length > PIECE) return write(chunk);
      if (tail.length === 0) tail = Buffer.allocUnsafe(PIECE);
      tail.set(chunk, tailBytes);
      tailBytes += chunk.length;
    },
    async *read(offset, size) {
      for (let at = 0; at < size; ) {
        const found = await pieceAt(offset + at);
        if (found.length === 0) throw new Error('the contents of the layer are cut short on disk');
        const part = found.subarray(0, size - at);
        at += part.length;
        yield part;
      }
    },
    async remove() {
      await file?.close();
      await rm(path, { force: true });
    },
  };
}
