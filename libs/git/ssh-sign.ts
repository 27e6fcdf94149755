// Signs with an SSH key as `git commit -S` does where gpg.format is ssh.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { GitError } from './errors.ts';
import { streamProcess } from './process.ts';
import { type DecryptOptions, decryptKey, isEncryptedKey, normalizeKey } from './ssh-key.ts';

export interface SshSigningKey {
  /** A private key, as ssh-keygen reads it. */
  identity: string;
  passphrase?: string | undefined;
}

/** What ssh-keygen answers at most, in bytes; a signature has some hundred. */
const MAX_SIGNATURE_BYTES = 64 * 1024;

/**
 * The armored signature of a payload, in the namespace `git`. The key is in a file of mode 0600 that is gone afterwards.
 * @throws GitError AuthenticationFailed for a passphrase that isn't the key's; InvalidArgument for what is no key
 */
export async function signSsh(
  payload: Buffer,
  { identity, passphrase }: SshSigningKey,
  options: DecryptOptions,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-sign-'));
  try {
    const file = join(dir, 'key');
    await writeFile(file, normalizeKey(identity), { mode: 0o600 });
    if (isEncryptedKey(identity)) await decryptKey(file, passphrase ?? '', options);
    return await sign(file, payload, options);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function sign(file: string, payload: Buffer, options: DecryptOptions): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const output = streamProcess({
      ...{ doing: 'unable to sign', program: 'ssh-keygen', cwd: '/', ...options },
      args: ['-Y', 'sign', '-n', 'git', '-f', file],
      env: { LC_ALL: 'C', PATH: process.env.PATH ?? '', SSH_ASKPASS_REQUIRE: 'never' },
      input: Readable.from([payload]),
    });
    for await (const chunk of output) {
      size += chunk.length;
      if (size <= MAX_SIGNATURE_BYTES) chunks.push(chunk);
    }
  } catch (cause) {
    if (!(cause instanceof GitError) || cause.reason !== 'GitOperationFailed') throw cause;
    throw new GitError('InvalidArgument', 'it is no private key that can sign', { cause });
  }
  const signature = Buffer.concat(chunks).toString('latin1');
  if (/^-----BEGIN SSH SIGNATURE-----\n[\s\S]+-----END SSH SIGNATURE-----\s*$/.test(signature)) {
    return signature;
  }
  throw new GitError('InvalidArgument', 'it is no private key that can sign');
}
