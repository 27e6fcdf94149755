// Writes messages of Protocol Buffers (the encoding of version 3), as far as OTLP and Pub/Sub need it.

/** A field by its number. `undefined` is left out, as is an empty list. */
export type Field =
  | readonly [number: number, type: 'text', value: string]
  | readonly [number: number, type: 'bytes', value: Uint8Array]
  | readonly [number: number, type: 'message', value: Uint8Array]
  | readonly [number: number, type: 'varint', value: number]
  | readonly [number: number, type: 'fixed64', value: bigint];

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;

/** One message of the given fields, in their order. */
export function encodeMessage(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.map(encodeField));
}

function encodeField(field: Field): Uint8Array {
  const [number, type, value] = field;
  switch (type) {
    case 'varint':
      return Buffer.concat([varint((number << 3) | VARINT), varint(value)]);
    case 'fixed64': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(value);
      return Buffer.concat([varint((number << 3) | FIXED64), bytes]);
    }
    default: {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      return Buffer.concat([varint((number << 3) | LENGTH), varint(bytes.length), bytes]);
    }
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
