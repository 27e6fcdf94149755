// Verifies signatures of commits and tags with the programs that made them: gpg and ssh-keygen.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { GitError } from './errors.ts';
import { type Command, streamProcess } from './process.ts';
import type { SignedObject } from './signed-object.ts';

/** Public keys whose signatures are accepted. */
export interface TrustedKeys {
  /** Armored OpenPGP key rings. */
  openpgp: readonly string[];
  /** Keys as in authorized_keys. */
  ssh: readonly string[];
}

export interface VerifyOptions {
  /** Milliseconds for each of two steps: reading keys, and verifying. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

type Payload = Pick<SignedObject, 'payload' | 'signature'>;

/**
 * Verifies a signature with the given keys only: no configuration of the machine or a user is used, and no network. A
 * key that has expired or was revoked verifies nothing.
 * @returns the id of the OpenPGP key (the last 16 digits of the primary key's fingerprint), or the SHA-256 of the SSH
 * key
 * @throws GitError SignatureInvalid; messages follow Flux's (fluxcd/pkg git/signature)
 */
export async function verifySignature(
  { payload, signature }: Payload,
  keys: TrustedKeys,
  options: VerifyOptions,
): Promise<string> {
  const text = signature?.trim() ?? '';
  const type = signatureType(text);
  if (type === 'openpgp') {
    if (keys.openpgp.length === 0) throw noKeys('PGP', '.asc');
    return verifyOpenPgp(payload, text, keys.openpgp, options);
  }
  if (type === 'ssh') {
    if (keys.ssh.length === 0) throw noKeys('SSH', '.sshpub');
    return verifySsh(payload, text, keys.ssh, options);
  }
  throw invalid(`unsupported signature type: ${type}`);
}

function noKeys(kind: string, suffix: string): GitError {
  return invalid(
    `${kind} signature detected but no ${kind} public keys found in secret (keys with ${suffix} suffix)`,
  );
}

function signatureType(signature: string): 'openpgp' | 'ssh' | 'x509' | 'empty' | 'unknown' {
  if (signature.startsWith('-----BEGIN PGP SIGNATURE-----')) return 'openpgp';
  if (signature.startsWith('-----BEGIN SSH SIGNATURE-----')) return 'ssh';
  if (signature.startsWith('-----BEGIN SIGNED MESSAGE-----')) return 'x509';
  return signature === '' ? 'empty' : 'unknown';
}

/** Each ring is a file whose name is an argument of gpg. */
const MAX_RINGS = 100;

const gpg = [
  ...['--batch', '--no-tty', '--no-options', '--no-autostart', '--disable-dirmngr'],
  ...['--no-auto-key-retrieve', '--no-auto-key-locate', '--no-auto-check-trustdb'],
  ...['--trust-model', 'always', '--status-fd', '1'],
];

async function verifyOpenPgp(
  payload: Buffer,
  signature: string,
  rings: readonly string[],
  options: VerifyOptions,
): Promise<string> {
  if (rings.length > MAX_RINGS)
    throw invalid(`more than ${MAX_RINGS} key rings: join some of them`);
  return withFolder(async (dir, write) => {
    const run = (...args: string[]) =>
      output({ program: 'gpg', args: [...gpg, '--homedir', dir, ...args] }, options);
    const ringFiles: string[] = [];
    for (const [index, ring] of rings.entries()) {
      ringFiles.push(await write(`ring-${index}.asc`, ring));
    }
    // gpg reads the other rings even if it can't read one.
    const imported = await run('--import-options', 'import-minimal', '--import', ...ringFiles);
    const known = /^\[GNUPG:\] IMPORT_OK /m.test(imported.text);
    if (!known) throw invalid('unable to read armored key ring: it holds no public key');
    const files = [await write('signature', `${signature}\n`), await write('payload', payload)];
    const { text, code } = await run('--verify', ...files);
    const states = [...text.matchAll(/^\[GNUPG:\] (\w+)(.*)$/gm)];
    const names = states.map(([, name = '']) => name);
    const valid = states.filter(([, name]) => name === 'VALIDSIG');
    // The last word is the fingerprint of the primary key (doc/DETAILS in GnuPG's sources).
    const fingerprint = valid[0]?.[2]?.trim().split(' ').at(-1) ?? '';
    const good = names.filter((name) => name === 'GOODSIG').length;
    const isGood = code === 0 && good === 1 && valid.length === 1 && !names.some(isBad);
    if (isGood && /^[0-9A-F]{40,64}$/.test(fingerprint)) return fingerprint.slice(-16);
    throw invalid(
      `unable to verify payload with any of the given key rings: ${explainStates(names)}`,
    );
  });
}

/** Any of these states makes a signature invalid. */
function isBad(state: string): boolean {
  return ['BADSIG', 'ERRSIG', 'EXPSIG', 'EXPKEYSIG', 'REVKEYSIG', 'NODATA', 'FAILURE'].includes(
    state,
  );
}

function explainStates(names: readonly string[]): string {
  if (names.includes('BADSIG')) return 'the signature does not match what is signed';
  if (names.includes('EXPKEYSIG')) return 'the key has expired';
  if (names.includes('REVKEYSIG')) return 'the key was revoked';
  if (names.includes('EXPSIG')) return 'the signature has expired';
  if (names.includes('NO_PUBKEY')) return 'no matching key';
  return 'the signature can not be read';
}

/** As `git commit -S` signs (gpg.format=ssh). */
const namespace = 'git';
const principal = 'author';
const keyForm =
  /(?:^|\s)((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)\s+[A-Za-z0-9+/]+={0,2})(?:\s|$)/;

async function verifySsh(
  payload: Buffer,
  signature: string,
  keys: readonly string[],
  options: VerifyOptions,
): Promise<string> {
  const lines = keys
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => keyForm.exec(line)?.[1] ?? []);
  if (lines.length === 0) {
    throw invalid('unable to parse authorized keys: none is a public key that can sign');
  }
  return withFolder(async (_, write) => {
    const allowed = await write(
      'allowed_signers',
      lines.map((key) => `${principal} namespaces="${namespace}" ${key}\n`).join(''),
    );
    const file = await write('signature', `${signature}\n`);
    const args = ['-Y', 'verify', '-f', allowed, '-I', principal, '-n', namespace, '-s', file];
    const { text, code } = await output({ program: 'ssh-keygen', args, input: payload }, options);
    const fingerprint = /^Good "git" signature for author with \S+ key (SHA256:\S+)$/m.exec(text);
    if (code === 0 && fingerprint?.[1] !== undefined) return fingerprint[1];
    const why = 'no matching key, or the signature does not match what is signed';
    throw invalid(`unable to verify payload with any of the given authorized keys: ${why}`);
  });
}

function invalid(message: string): GitError {
  return new GitError('SignatureInvalid', message);
}

type Write = (name: string, content: string | Buffer) => Promise<string>;

async function withFolder<T>(use: (dir: string, write: Write) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-verify-'));
  try {
    return await use(dir, async (name, content) => {
      const file = join(dir, name);
      await writeFile(file, content, { mode: 0o600 });
      return file;
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The output about a signature is small, whatever the signature is. Bytes. */
const MAX_OUTPUT = 256 * 1024;

/** Runs a program whose failure is a result too; only a timeout or an abort is an error. */
async function output(
  { program, args, input }: Pick<Required<Command>, 'program' | 'args'> & { input?: Buffer },
  { timeoutMs, signal }: VerifyOptions,
): Promise<{ text: string; code: number }> {
  const doing = 'unable to verify a signature';
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const running = streamProcess({
      ...{ doing, program, args, cwd: '/', timeoutMs, signal },
      env: { LC_ALL: 'C', HOME: '/nonexistent', PATH: process.env.PATH ?? '' },
      ...(input === undefined ? {} : { input: Readable.from([input]) }),
    });
    for await (const chunk of running) {
      size += chunk.length;
      if (size > MAX_OUTPUT) throw invalid(`${doing}: ${program} says too much`);
      chunks.push(chunk);
    }
  } catch (error) {
    const isAnswer = error instanceof GitError && error.reason === 'GitOperationFailed';
    if (!isAnswer) throw error;
    return { text: Buffer.concat(chunks).toString('latin1'), code: 1 };
  }
  return { text: Buffer.concat(chunks).toString('latin1'), code: 0 };
}
