// The tags of an image in the form in which they are kept: sorted by their bytes in descending order, joined by spaces,
// compressed.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';

export interface PackedTags {
  /** The text, deflated. */
  packed: Buffer;
  /** Characters of the text. */
  length: number;
  /** sha256 of the text, in hex: Flux's checksum is too short to prove that nothing changed. */
  digest: string;
  count: number;
  /** Flux's checksum: adler32 of the tags as JSON, in decimal. */
  revision: string;
  /** The first ten. */
  latest: string[];
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Tags that `status.lastScanResult.latestTags` shows, as in Flux. */
const LATEST = 10;

/**
 * @param text sorted
 * @param known an earlier result, which is returned again if the text is the same
 */
export async function packTags(text: string, known?: PackedTags): Promise<PackedTags> {
  const bytes = Buffer.from(text, 'latin1');
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (known?.digest === digest) return known;
  const packed = await deflate(bytes);
  return { packed, length: text.length, digest, ...summaryOf(text) };
}

/** The text. Rejects with an Error for what is no packed text, or has another length than recorded. */
export async function unpackTags({
  packed,
  length,
}: Pick<PackedTags, 'packed' | 'length'>): Promise<string> {
  const text = await inflate(packed, { maxOutputLength: Math.max(length, 1) });
  return text.toString('latin1');
}

function summaryOf(text: string): Pick<PackedTags, 'count' | 'revision' | 'latest'> {
  const latest = text === '' ? [] : text.split(' ', LATEST);
  let count = text === '' ? 0 : 1;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) count += 1;
  return { count, latest, revision: String(checksumOf(text)) };
}

/** The largest prime below 2^16 (RFC 1950, 9). */
const ADLER = 65_521;
/** So many bytes can be added before the sums have to be reduced. */
const STRETCH = 5_552;

/** adler32 (RFC 1950, 8.2) of the JSON `["a","b"]` for the text `a b`: no character of a tag has to be escaped. */
function checksumOf(text: string): number {
  let a = 1;
  let b = 0;
  let pending = 0;
  const add = (byte: number) => {
    a += byte;
    b += a;
    if (++pending < STRETCH) return;
    a %= ADLER;
    b %= ADLER;
    pending = 0;
  };
  const addText = (json: string) => {
    for (const char of json) add(char.charCodeAt(0));
  };
  if (text === '') {
    addText('[]');
  } else {
    addText('["');
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x20) addText('","');
      else add(code);
    }
    addText('"]');
  }
  return (((b % ADLER) << 16) | (a % ADLER)) >>> 0;
}
