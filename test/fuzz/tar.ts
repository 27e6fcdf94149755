// Tars whose fields say anything, with right checksums: a reader gets past them to what matters.
import fc from 'fast-check';

export interface TarField {
  name: string;
  /** The size in the header; the content may be longer or shorter. */
  size: string;
  type: string;
  linkName: string;
  prefix: string;
  mode: string;
  content: Uint8Array;
}

const BLOCK = 512;

/** One header and its content, padded. */
function entryOf({ name, size, type, linkName, prefix, mode, content }: TarField): Buffer {
  const header = Buffer.alloc(BLOCK);
  const put = (text: string, at: number, length: number) =>
    header.write(text.slice(0, length), at, 'latin1');
  put(name, 0, 100);
  put(mode, 100, 8);
  put(size, 124, 12);
  put('        ', 148, 8);
  put(type, 156, 1);
  put(linkName, 157, 100);
  put('ustar\x0000', 257, 8);
  put(prefix, 345, 155);
  const sum = header.reduce((total, value) => total + value, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  const padding = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}

const NAMES = [
  ...[
    'a.yaml',
    'kustomization.yaml',
    'dir/',
    'dir/b.yaml',
    './c.yaml',
    '',
    '.',
    '/',
    '//x',
    'a//b',
  ],
  ...[
    '../escape',
    'dir/../../escape',
    '/etc/passwd',
    '..',
    'a/..',
    'a\\..\\b',
    'a\0b',
    'Chart.yaml',
  ],
  ...[
    'app/Chart.yaml',
    'app/values.yaml',
    'app/templates/x.yaml',
    '.sourceignore',
    '__proto__',
    'ä/ö',
  ],
];
const SIZES = [
  '0',
  '3',
  '11',
  '1000',
  '77777777777',
  '-1',
  '9',
  'zzz',
  '',
  '\x80\0\0\0\0\0\0\0\xff\xff\xff\xff',
  '\xff',
];
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.string({ maxLength: 120, unit: 'binary' }) },
);

const attribute = fc
  .tuple(
    fc.constantFrom('path', 'size', 'linkpath', 'GNU.sparse.size', 'mtime', 'x'.repeat(50)),
    fc.oneof(name, fc.constantFrom(...SIZES), fc.constantFrom('y'.repeat(2_000))),
    fc.integer({ min: -3, max: 3 }),
  )
  .map(([key, value, off]) => {
    const rest = ` ${key}=${value}\n`;
    const length = Buffer.byteLength(rest) + String(Buffer.byteLength(rest) + 3).length;
    // Now and then the length of a record is wrong.
    return `${Math.abs(off) < 3 ? length : length + off}${rest}`;
  });

const content = fc.oneof(
  fc.uint8Array({ maxLength: 1_200 }),
  fc.constantFrom('a: 1\n', 'resources: [../../escape]\n', 'b').map((text) => Buffer.from(text)),
  fc.array(attribute, { maxLength: 3 }).map((all) => Buffer.from(all.join(''))),
  name.map((text) => Buffer.from(text)),
);

const entry: fc.Arbitrary<Buffer> = fc
  .record({
    name,
    type: fc.constantFrom(
      '0',
      '0',
      '0',
      '\0',
      '1',
      '2',
      '3',
      '5',
      '7',
      'x',
      'g',
      'L',
      'K',
      'S',
      'V',
    ),
    linkName: fc.oneof(fc.constant(''), name),
    prefix: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, name),
    mode: fc.constantFrom('0000644', '0000755', '7777777', '', 'x'),
    /** Mostly the truth. */
    said: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, fc.constantFrom(...SIZES)),
    content,
  })
  .map(({ said, ...field }) =>
    entryOf({ ...field, size: said ?? field.content.length.toString(8).padStart(11, '0') }),
  );

/** Tars of some entries, with or without their end. */
export const tars: fc.Arbitrary<Buffer> = fc
  .tuple(fc.array(entry, { maxLength: 12 }), fc.constantFrom(0, 1, 2, 700))
  .map(([entries, end]) =>
    Buffer.concat([...entries, Buffer.alloc(end === 700 ? 700 : end * BLOCK)]),
  );

const ZEROS = 8 * 1024 ** 2;

/** Many bytes that take few when they are compressed. */
export const bomb: Buffer = entryOf({
  ...{ name: 'zeros', type: '0', linkName: '', prefix: '', mode: '0000644' },
  ...{ size: ZEROS.toString(8), content: Buffer.alloc(ZEROS) },
});
