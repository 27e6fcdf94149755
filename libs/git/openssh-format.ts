// OpenSSH's own format of private keys (PROTOCOL.key in its sources), for keys that it can't read in other formats.
import { createPrivateKey, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto';

/** The first bytes of the binary form. */
export const MAGIC = 'openssh-key-v1\0';
const TYPE = 'ssh-ed25519';
/** The private part of a key that isn't encrypted is a multiple of so many bytes. */
const BLOCK = 8;
/** Characters of a line of base64 in a PEM file. */
const LINE = 64;

/**
 * The same key in OpenSSH's format if it is an ed25519 key in PKCS #8, as the `flux` CLI writes it: OpenSSH before 9.6 reads those of
 * other types only. Undefined for every other key.
 */
export function asOpenssh(pem: string): string | undefined {
  if (!/^-----BEGIN PRIVATE KEY-----/.test(pem)) return undefined;
  const key = parsed(pem);
  if (key?.asymmetricKeyType !== 'ed25519') return undefined;
  const { x, d } = key.export({ format: 'jwk' }) as JsonWebKey;
  const [own, seed] = [Buffer.from(x ?? '', 'base64url'), Buffer.from(d ?? '', 'base64url')];
  const check = randomBytes(4);
  const comment = field('');
  const content = [
    check,
    check,
    field(TYPE),
    field(own),
    field(Buffer.concat([seed, own])),
    comment,
  ];
  const length = content.reduce((sum, it) => sum + it.length, 0);
  // Numbers from 1 on fill the last block.
  const filling = Buffer.from(Array.from({ length: -length & (BLOCK - 1) }, (_, i) => i + 1));
  const binary = Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    // No cipher, no derivation of a key for it, and nothing to derive it from.
    ...[field('none'), field('none'), field('')],
    number(1),
    field(Buffer.concat([field(TYPE), field(own)])),
    field(Buffer.concat([...content, filling])),
  ]);
  const lines = binary.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const what = 'OPENSSH PRIVATE KEY';
  return [`-----BEGIN ${what}-----`, ...lines, `-----END ${what}-----`, ''].join('\n');
}

/** Undefined for what is no key: OpenSSH reports that. */
function parsed(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function field(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([number(bytes.length), bytes]);
}
