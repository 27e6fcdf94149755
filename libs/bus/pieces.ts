import { createHash } from 'node:crypto';
import type { Bus } from './bus.ts';
import type { StreamName } from './definitions.ts';
import { manageStream } from './managed.ts';
import { readMessage } from './read-message.ts';
import { openValues } from './values.ts';

/** The place of a body whose pieces are in a stream. */
export interface PiecesRef {
  /** The sequences of the pieces in the stream, in their order. */
  sequences: number[];
  /**
   * SHA-256 of the whole body in base64url: a stream that was created anew has other messages under these sequences.
   */
  sha256: string;
  /** Bytes of the whole. */
  size: number;
}

/**
 * Bodies that are too large for a message, stored in pieces. The stream's settings decide how many are kept, and for
 * how long. Both methods reject with BusUnavailable while NATS is away.
 */
export interface Pieces {
  /** Resolves when the stream has all of it. */
  put(subject: string, body: Uint8Array): Promise<PiecesRef>;
  /** The body; undefined when a piece is no longer in the stream. */
  get(ref: PiecesRef): Promise<Uint8Array | undefined>;
}

/** Bytes of a piece: a quarter of what a server takes by default. */
const PIECE = 256 * 1024;
/** Larger bodies are not read, whoever wrote the reference. */
const MAX_PIECES = 64;

export function openPieces({ bus, stream }: { bus: Bus; stream: StreamName }): Pieces {
  const values = openValues({ bus, stream });
  const manage = manageStream(bus, stream);

  async function read(seq: number): Promise<Uint8Array | undefined> {
    const message = await manage((jsm) => readMessage(jsm, stream, { seq }));
    return message?.data;
  }

  return {
    async put(subject, body) {
      const size = Math.min(PIECE, values.maxBytes() ?? PIECE);
      const sequences: number[] = [];
      for (let at = 0; at < body.length; at += size) {
        sequences.push(await values.put(subject, body.subarray(at, at + size)));
      }
      return { sequences, sha256: digestOf(body), size: body.length };
    },
    async get({ sequences, sha256 }) {
      if (sequences.length > MAX_PIECES) return undefined;
      const pieces: Uint8Array[] = [];
      for (const sequence of sequences) {
        const piece = await read(sequence);
        if (piece === undefined) return undefined;
        pieces.push(piece);
      }
      const body = Buffer.concat(pieces);
      return digestOf(body) === sha256 ? body : undefined;
    },
  };
}

/** The reference that a message holds; undefined for anything else. */
export function parsePiecesRef(value: unknown): PiecesRef | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { sequences, sha256, size } = value as Partial<Record<keyof PiecesRef, unknown>>;
  if (!Array.isArray(sequences) || typeof sha256 !== 'string') return undefined;
  if (!sequences.every(Number.isSafeInteger) || !Number.isSafeInteger(size)) return undefined;
  return { sequences, sha256, size: size as number };
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}
