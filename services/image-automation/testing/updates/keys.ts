// Keys that commits of the cases are signed with.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OpenPgpKeys {
  key: string;
  /** The same kind of key, with the passphrase `hunter2`. */
  locked: string;
  /** Two public keys in one text. */
  two: string;
  public: string;
}

export async function createOpenPgpKeys(): Promise<OpenPgpKeys> {
  const home = await mkdtemp(join(tmpdir(), 'weir-gpg-'));
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--no-tty', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
  const create = (name: string, passphrase: string) => {
    const unlock = ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
    gpg(...unlock, '--quick-generate-key', `${name} <${name}@example.com>`, 'rsa2048', 'sign', '0');
    return gpg(...unlock, '--armor', '--export-secret-keys', name);
  };
  try {
    const key = create('bot', '');
    const locked = create('locked', 'hunter2');
    return {
      key,
      locked,
      two: gpg('--armor', '--export'),
      public: gpg('--armor', '--export', 'bot'),
    };
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    await rm(home, { recursive: true, force: true });
  }
}
