// The form of a list of tags in NATS: one message, or several if it is longer than a message may be. Each has a line of
// JSON that says what it belongs to, and its part of the packed text.
import type { PackedTags } from './packed.ts';

/** The first line of a part. */
export interface PartHeader extends Omit<PackedTags, 'packed'> {
  /** Unique to one write: parts of different writes don't belong together. */
  id: string;
  part: number;
  parts: number;
  /** Bytes of the whole packed text. */
  bytes: number;
}

/** Used until NATS has said how long a message may be. */
const MAX_BYTES = 512 * 1024;
/** Bytes for the header: ten tags and some numbers. */
const HEADER_BYTES = 4_096;
/** No list has more; a message that claims more is not ours. */
const MAX_PARTS = 1_000;
const MAX_LENGTH = 256 * 1024 ** 2;
const NEWLINE = 0x0a;

export function splitIntoParts(
  { packed, ...tags }: PackedTags,
  { id, maxBytes = MAX_BYTES }: { id: string; maxBytes?: number | undefined },
): Buffer[] {
  const size = Math.max(1, Math.min(maxBytes, MAX_BYTES) - HEADER_BYTES);
  const parts = Math.max(1, Math.ceil(packed.length / size));
  return Array.from({ length: parts }, (_, part) => {
    const header: PartHeader = { id, part, parts, bytes: packed.length, ...tags };
    const content = packed.subarray(part * size, (part + 1) * size);
    return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), content]);
  });
}

/** Undefined for what is no part, as others may have the right to publish. */
export function readHeader(data: Uint8Array): PartHeader | undefined {
  const end = data.indexOf(NEWLINE);
  if (end < 0 || end > HEADER_BYTES) return undefined;
  try {
    const header = JSON.parse(Buffer.from(data.subarray(0, end)).toString()) as PartHeader;
    return isHeader(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

function isHeader(header: Partial<PartHeader> | null): header is PartHeader {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  return (
    typeof header?.id === 'string' &&
    typeof header.revision === 'string' &&
    typeof header.digest === 'string' &&
    [header.part, header.parts, header.bytes, header.length, header.count].every(isCount) &&
    Number(header.parts) <= MAX_PARTS &&
    Number(header.length) <= MAX_LENGTH &&
    Array.isArray(header.latest)
  );
}

/** The list from its parts in their order; undefined if they don't belong together or some are missing. */
export function joinParts(contents: readonly Uint8Array[]): PackedTags | undefined {
  const [first] = contents;
  const header = first && readHeader(first);
  if (header === undefined || header.parts !== contents.length) return undefined;
  const rests: Uint8Array[] = [];
  for (const [part, content] of contents.entries()) {
    const own = readHeader(content);
    if (own?.id !== header.id || own.part !== part) return undefined;
    rests.push(content.subarray(content.indexOf(NEWLINE) + 1));
  }
  const packed = Buffer.concat(rests);
  if (packed.length !== header.bytes) return undefined;
  const { length, digest, count, revision, latest } = header;
  return { packed, length, digest, count, revision, latest };
}
