// Runs git over OpenSSH's client, which is configured by a file of its own and by nothing of the machine or a user.
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitError } from './errors.ts';
import { linesAbout } from './known-hosts.ts';
import { type SshCredentials, type SshServer, sshConfig } from './ssh-config.ts';
import { explainSsh } from './ssh-errors.ts';
import { decryptKey, isEncryptedKey, normalizeKey } from './ssh-key.ts';

export interface SshSession {
  env: Record<string, string>;
  /** The failure with ssh's message if there is one; the server's own text is left out. */
  explain(doing: string, error: unknown): Promise<unknown>;
}

export interface SshOptions {
  credentials: SshCredentials | undefined;
  /** Milliseconds for the decryption of a key. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const notRun =
  'ssh does not run: it has to be installed, and the user of the service needs a line in the passwd file';

const defaultUser = 'git';
/** About 600 keys, in bytes: each name is compared for each conversation. */
const MAX_KNOWN_HOSTS_BYTES = 64 * 1024;
/** ssh's messages about one conversation, in bytes; what is beyond isn't read. */
const MAX_LOG_BYTES = 16 * 1024;

/**
 * Runs `use` with the environment that makes git use OpenSSH's client: with one key and one list of host keys, strict
 * checking, without an agent, forwarding, other ways to authenticate or files of the user. Keys are in files of mode 0600 that
 * are gone afterwards.
 * @throws GitError InvalidArgument, AuthenticationFailed
 */
export async function withSsh<T>(
  server: SshServer,
  { credentials, timeoutMs, signal }: SshOptions,
  use: (session: SshSession) => Promise<T>,
): Promise<T> {
  const { identity, knownHosts, user, passphrase } = checkCredentials(credentials);
  const dir = await mkdtemp(join(tmpdir(), 'weir-git-ssh-'));
  try {
    const files = {
      identity: join(dir, 'identity'),
      knownHosts: join(dir, 'known_hosts'),
      config: join(dir, 'config'),
      log: join(dir, 'log'),
    };
    await writeFile(files.identity, normalizeKey(identity), { mode: 0o600 });
    if (isEncryptedKey(identity)) {
      await decryptKey(files.identity, passphrase ?? '', { timeoutMs, signal });
    }
    const known = linesAbout(knownHosts, server.host, server.port);
    await writeFile(files.knownHosts, known, { mode: 0o600 });
    const config = sshConfig(server, user ?? defaultUser, files);
    await writeFile(files.config, config, { mode: 0o600 });
    return await use({
      env: {
        // What the server writes to its error stream is not shown; ssh's own messages are in the log file.
        GIT_SSH_COMMAND: `ssh -F ${quote(files.config)} -E ${quote(files.log)} 2>/dev/null`,
        GIT_SSH_VARIANT: 'ssh',
        SSH_ASKPASS_REQUIRE: 'never',
      },
      async explain(doing, error) {
        if (!(error instanceof GitError) || !isLostConnection(error)) return error;
        const log = await headOf(files.log);
        if (log === undefined) return new GitError(error.reason, `${doing}: ${notRun}`);
        return explainSsh(doing, log, server) ?? error;
      },
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Whether git failed because ssh did, or because the server ended the conversation before it started. */
function isLostConnection({ reason, message }: GitError): boolean {
  return reason === 'GitOperationFailed' && /Could not read from remote repository/.test(message);
}

/** With Flux's messages (fluxcd/pkg git, AuthOptions.Validate). */
export function checkCredentials(credentials: SshCredentials | undefined): SshCredentials {
  const missing = !credentials?.identity
    ? 'identity'
    : !credentials.knownHosts.trim()
      ? 'known_hosts'
      : undefined;
  if (missing !== undefined || credentials === undefined) {
    throw new GitError('InvalidArgument', `invalid 'ssh' auth option: '${missing}' is required`);
  }
  if (Buffer.byteLength(credentials.knownHosts) > MAX_KNOWN_HOSTS_BYTES) {
    const message = `invalid 'ssh' auth option: 'known_hosts' is larger than ${MAX_KNOWN_HOSTS_BYTES} bytes`;
    throw new GitError('InvalidArgument', message);
  }
  return credentials;
}

/** A word of a shell; the paths are our own. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** What ssh wrote; undefined if it didn't open the file. */
async function headOf(file: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_LOG_BYTES), 0, MAX_LOG_BYTES);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    await handle?.close();
  }
}
