import { appendFile, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTool } from './build.ts';
import { run } from './exec.ts';
import { freePort } from './ports.ts';
import { type Supervisor, supervise } from './supervise.ts';
import { until } from './until.ts';

export interface SshKey {
  /** The private key, in OpenSSH's format unless another was asked for. */
  private: string;
  /** A line as in authorized_keys. */
  public: string;
}

export interface SshKeyOptions {
  bits?: number;
  passphrase?: string;
  /** The format of the private key; OpenSSH's own unless given. */
  format?: 'PEM' | 'PKCS8';
}

/** Makes a key pair with ssh-keygen. */
export async function createSshKey(
  type: 'rsa' | 'ecdsa' | 'ed25519' = 'ed25519',
  { bits, passphrase = '', format }: SshKeyOptions = {},
): Promise<SshKey> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-ssh-key-'));
  const file = join(dir, 'key');
  const size = bits === undefined ? [] : ['-b', String(bits)];
  const form = format === undefined ? [] : ['-m', format];
  await keygen('-q', '-t', type, ...size, ...form, '-N', passphrase, '-C', '', '-f', file);
  const key = {
    private: await readFile(file, 'utf8'),
    public: (await readFile(`${file}.pub`, 'utf8')).trim(),
  };
  await run('rm', ['-rf', dir]);
  return key;
}

export interface SshServerOptions {
  /** The folder of the repositories. */
  root: string;
  /** One ed25519 key unless given. */
  hostKeys?: SshKey[];
  /** Host certificates of those keys: lines as in a `-cert.pub` file. */
  certificates?: string[];
  /** What each session gets on its error stream before anything else. */
  stderr?: string;
  /** Sessions begin and are never answered. */
  hang?: boolean;
}

export interface SshServer {
  port: number;
  /** `ssh://git@127.0.0.1:<port>`. */
  url: string;
  /** Lines of known_hosts for all host keys. */
  knownHosts: string;
  authorize(key: Pick<SshKey, 'public'>): Promise<void>;
  /** What the server wrote: each command that it was asked to run. */
  log(): Promise<string>;
  close(): Promise<void>;
}

/** Starts an SSH server on 127.0.0.1 that lets the user `git` with an authorized key read the repositories of a folder. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const binary = await buildTool('ssh-server');
  const dir = await mkdtemp(join(tmpdir(), 'weir-ssh-'));
  const supervisor = await supervise(dir);
  try {
    return await start(options, { binary, dir, supervisor });
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

async function start(
  { root, hostKeys, certificates = [], stderr = '', hang = false }: SshServerOptions,
  { binary, dir, supervisor }: { binary: string; dir: string; supervisor: Supervisor },
): Promise<SshServer> {
  const keys = hostKeys ?? [await createSshKey()];
  const port = await freePort();
  const files = { authorized: join(dir, 'authorized_keys'), log: join(dir, 'ssh.log') };
  await writeFile(files.authorized, '');
  const settings = {
    ...{ root, stderr, hang, listen: `127.0.0.1:${port}`, authorizedKeys: files.authorized },
    hostKeys: await writeAll(
      dir,
      'host',
      keys.map((key) => key.private),
    ),
    hostCertificates: await writeAll(dir, 'certificate', certificates),
  };
  await supervisor.start({
    ...{ name: 'ssh', command: binary, args: [JSON.stringify(settings)], cwd: dir },
    ...{ env: {}, log: files.log },
  });
  await until(() => isListening(port, supervisor), {
    timeoutMs: 10_000,
    message: 'the SSH server to listen',
  });
  return {
    port,
    url: `ssh://git@127.0.0.1:${port}`,
    knownHosts: keys.map((key) => `[127.0.0.1]:${port} ${key.public}\n`).join(''),
    authorize: (key) => appendFile(files.authorized, `${key.public}\n`),
    log: () => readFile(files.log, 'utf8'),
    close: () => supervisor.close(),
  };
}

async function writeAll(dir: string, name: string, contents: string[]): Promise<string[]> {
  const paths = contents.map((_, index) => join(dir, `${name}-${index}`));
  for (const [index, path] of paths.entries()) {
    await writeFile(path, contents[index] ?? '', { mode: 0o600 });
  }
  return paths;
}

async function isListening(port: number, supervisor: Supervisor): Promise<boolean> {
  const exit = supervisor.exitOf('ssh');
  if (exit !== undefined) throw new Error(`the SSH server ended: ${exit}`);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function keygen(...args: string[]): Promise<void> {
  const { code, stderr } = await run('ssh-keygen', args);
  if (code !== 0) throw new Error(`ssh-keygen failed: ${stderr}`);
}
