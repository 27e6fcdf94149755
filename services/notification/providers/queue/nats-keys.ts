// NKeys of NATS: Ed25519 keys in Base32 with a checksum (https://github.com/nats-io/nkeys, "Raw Encoding").
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { invalidProvider } from '../message.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SEED = 18 << 3;
const USER = 20 << 3;
/** Ed25519 in PKCS #8 (RFC 8410), up to the 32 bytes of the key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key with which a user of NATS proves who it is. */
export interface NatsKey {
  /** `U...`. */
  publicKey: string;
  /** Signs what the server sent, as base64url. */
  sign(nonce: string): string;
}

/** Reads a seed, `SU...`. Throws DeliveryError without a word of it. */
export function readSeed(seed: string): NatsKey {
  const bytes = decode(seed.trim());
  const [first = 0, second = 0] = bytes ?? [];
  const isUser = (first & 0xf8) === SEED && (((first & 7) << 5) | (second >> 3)) === USER;
  if (bytes?.length !== 36 || !isUser || crc16(bytes.subarray(0, -2)) !== bytes.readUInt16LE(34)) {
    throw invalidProvider('the seed in the secret is no NKey seed of a user');
  }
  const der = Buffer.concat([PKCS8, bytes.subarray(2, 34)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    publicKey: publicKeyOf(key),
    sign: (nonce) => sign(null, Buffer.from(nonce), key).toString('base64url'),
  };
}

function publicKeyOf(key: KeyObject): string {
  // The last 32 bytes of the structure are the key (RFC 8410).
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const body = Buffer.concat([Buffer.of(USER), raw]);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(body));
  return encode(Buffer.concat([body, checksum]));
}

/** RFC 4648, 6, without padding; undefined for other characters. */
function decode(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}

function encode(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31];
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc;
}
