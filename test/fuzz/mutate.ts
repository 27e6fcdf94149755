// Random changes of well-formed inputs: most of each input stays, so that it passes the first check.
import fc from 'fast-check';

type Edit =
  | { kind: 'set'; at: number; bytes: Uint8Array }
  | { kind: 'cut'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number; times: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'end'; at: number };

/** Between 0 and 1: a place in a text of any length. */
const place = fc.double({ min: 0, max: 1, noNaN: true });

/** Values at which programs that count go wrong. */
const NUMBERS = ['0', '-1', '1', '255', '65536', '4294967295', '9223372036854775807', '1e308'];

function edits(pieces: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Edit[]> {
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: place, bytes: pieces }),
    fc.record({ kind: fc.constant('insert' as const), at: place, bytes: pieces }),
    fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.nat(300) }),
    fc.record({
      ...{ kind: fc.constant('repeat' as const), at: place },
      ...{ length: fc.integer({ min: 1, max: 200 }), times: fc.integer({ min: 1, max: 400 }) },
    }),
    fc.record({ kind: fc.constant('end' as const), at: place }),
  );
  return fc.array(edit, { minLength: 0, maxLength: 4 });
}

function apply(content: Buffer, edit: Edit): Buffer {
  const at = Math.floor(edit.at * content.length);
  const [before, after] = [content.subarray(0, at), content.subarray(at)];
  if (edit.kind === 'end') return before;
  if (edit.kind === 'cut') return Buffer.concat([before, after.subarray(edit.length)]);
  if (edit.kind === 'insert') return Buffer.concat([before, edit.bytes, after]);
  if (edit.kind === 'set') {
    return Buffer.concat([before, edit.bytes, after.subarray(edit.bytes.length)]);
  }
  const piece = after.subarray(0, edit.length);
  return Buffer.concat([before, ...Array.from({ length: edit.times }, () => piece), after]);
}

const byte = fc.uint8Array({ minLength: 1, maxLength: 4 });
const text = (words: readonly string[]) =>
  fc.constantFrom(...NUMBERS, ...words).map((word) => Buffer.from(word));

/** One of the contents, changed in some places. @param words what is inserted, besides bytes and numbers */
export function mutatedBytes(
  contents: readonly Buffer[],
  words: readonly string[] = [],
): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...contents), edits(fc.oneof(byte, text(words))))
    .map(([content, all]) => all.reduce(apply, content));
}

/** One of the texts, changed in some places. */
export function mutatedText(
  contents: readonly string[],
  words: readonly string[],
): fc.Arbitrary<string> {
  return mutatedBytes(
    contents.map((content) => Buffer.from(content)),
    words,
  ).map((bytes) => bytes.toString('utf8'));
}
