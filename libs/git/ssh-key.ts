// Reads private SSH keys in their file formats.
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { GitError } from './errors.ts';
import { asOpenssh, MAGIC } from './openssh-format.ts';
import { streamProcess } from './process.ts';

/** A key of 16,384 bits takes 13 KB. */
const MAX_KEY_BYTES = 64 * 1024;
/** As OpenSSH reads them, in bytes (readpassphrase). */
const MAX_PASSPHRASE_BYTES = 1023;

/**
 * Whether a private key is encrypted with a passphrase: a PEM file says so in its headers, and OpenSSH's own format names a
 * cipher other than `none`.
 */
export function isEncryptedKey(pem: string): boolean {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(pem)) return true;
  if (/^Proc-Type: *4,ENCRYPTED/m.test(pem)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END/.exec(pem)?.[1];
  if (body === undefined) return false;
  const start = Buffer.from(body.replace(/\s/g, '').slice(0, 200), 'base64');
  if (start.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return false;
  const at = MAGIC.length + 4;
  if (start.length < at) return false;
  const length = start.readUInt32BE(MAGIC.length);
  return start.subarray(at, at + length).toString('latin1') !== 'none';
}

/** A private key as OpenSSH reads it: in a format that it knows, with line ends of Unix, and one at its end. */
export function normalizeKey(pem: string): string {
  if (Buffer.byteLength(pem) > MAX_KEY_BYTES) {
    const message = `invalid 'ssh' auth option: 'identity' is larger than ${MAX_KEY_BYTES} bytes`;
    throw new GitError('InvalidArgument', message);
  }
  const normal = `${pem.replace(/\r\n?/g, '\n').trim()}\n`;
  return asOpenssh(normal) ?? normal;
}

export interface DecryptOptions {
  /** Milliseconds: the key itself says how expensive the derivation from the passphrase is. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Replaces an encrypted key in a file of mode 0600 by the same key without its passphrase, which ssh-keygen gets on its
 * standard input: neither a command line nor an environment holds it.
 * @throws GitError AuthenticationFailed for another passphrase, InvalidArgument for one that can't be handed over; Timeout
 */
export async function decryptKey(
  file: string,
  passphrase: string,
  { timeoutMs, signal }: DecryptOptions,
): Promise<void> {
  if (/[\0\r\n]/.test(passphrase) || Buffer.byteLength(passphrase) > MAX_PASSPHRASE_BYTES) {
    const message = `invalid 'ssh' auth option: the passphrase in 'password' must be one line of at most ${MAX_PASSPHRASE_BYTES} bytes`;
    throw new GitError('InvalidArgument', message);
  }
  const doing = "unable to decrypt the SSH key in 'identity'";
  try {
    const output = streamProcess({
      doing,
      program: 'ssh-keygen',
      args: ['-q', '-p', '-N', '', '-f', file],
      env: { LC_ALL: 'C', PATH: process.env.PATH ?? '', SSH_ASKPASS_REQUIRE: 'never' },
      cwd: '/',
      input: Readable.from([`${passphrase}\n`]),
      ...{ timeoutMs, signal },
      secrets: [passphrase],
    });
    for await (const _ of output);
  } catch (cause) {
    if (!(cause instanceof GitError) || cause.reason !== 'GitOperationFailed') throw cause;
    const wrong = /passphrase/i.test(cause.message);
    const why = wrong
      ? "the passphrase in 'password' is not the one of the key"
      : 'it is no private key that OpenSSH reads';
    throw new GitError('AuthenticationFailed', `${doing}: ${why}`, { cause });
  }
  // ssh-keygen also reports success where it changed nothing.
  if (isEncryptedKey(await readFile(file, 'utf8'))) {
    throw new GitError('AuthenticationFailed', `${doing}: it is still encrypted`);
  }
}
