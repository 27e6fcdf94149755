import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { buildTool } from './build.ts';
import { run } from './exec.ts';
import { freePort } from './ports.ts';
import { supervise } from './supervise.ts';
import { until } from './until.ts';

export interface Gitea {
  url: string;
  /** An administrator's name, and a token of theirs that may do everything; it is a password for Git too. */
  user: string;
  token: string;
  /** Calls `/api/v1<path>` as that user, and resolves with the JSON of the answer. Rejects on a status above 299. */
  api<T>(method: string, path: string, body?: object): Promise<T>;
  /** Writes a file by a commit of its own on `main`, and resolves with the commit's SHA-1. */
  commit(repository: string, path: string, text: string): Promise<string>;
  close(): Promise<void>;
}

const USER = 'weir';
const MODULE = join(import.meta.dirname, 'modules', 'gitea');

/** Starts a real Gitea with a database in a file on 127.0.0.1. Its webhooks may call this machine. It needs git, and Go with a compiler of C to be built. */
export async function startGitea(): Promise<Gitea> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(stack: AsyncDisposableStack): Promise<Gitea> {
  const binary = await buildTool('gitea');
  const dir = await mkdtemp(join(tmpdir(), 'weir-gitea-'));
  const supervisor = await supervise(dir);
  stack.defer(() => supervisor.close());
  const port = await freePort();
  const config = join(dir, 'app.ini');
  await writeFile(config, configuration(dir, port, await staticFiles()));
  const where = ['--config', config, '--work-path', dir];
  await succeed(binary, [...where, 'migrate']);
  const created = await succeed(binary, [
    ...[...where, 'admin', 'user', 'create', '--admin', '--username', USER, '--random-password'],
    ...['--email', 'weir@example.com', '--must-change-password=false'],
    ...['--access-token', '--access-token-name', 'tests', '--access-token-scopes', 'all'],
  ]);
  const token = /token was successfully created\.* ([0-9a-f]{40})/.exec(created)?.[1];
  if (token === undefined) throw new Error(`gitea made no token: ${created}`);
  await supervisor.start({
    ...{ name: 'gitea', command: binary, args: [...where, 'web'], cwd: dir },
    log: join(dir, 'gitea.log'),
  });
  const url = `http://127.0.0.1:${port}`;
  await until(
    () => {
      const exit = supervisor.exitOf('gitea');
      if (exit !== undefined) throw new Error(`gitea ended: ${exit}`);
      return fetch(`${url}/api/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    { timeoutMs: 30_000, message: 'gitea to listen' },
  );

  async function api<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  return {
    ...{ url, user: USER, token, api },
    async commit(repository, path, text) {
      const file = `/repos/${USER}/${repository}/contents/${path}`;
      const known = await api<{ sha: string }>('GET', file).catch(() => undefined);
      const content = Buffer.from(text).toString('base64');
      const change = { content, message: `change ${path}`, branch: 'main', ...pick(known) };
      const method = known === undefined ? 'POST' : 'PUT';
      return (await api<{ commit: { sha: string } }>(method, file, change)).commit.sha;
    },
    close: () => stack.disposeAsync(),
  };
}

function pick(known: { sha: string } | undefined): { sha?: string } {
  return known === undefined ? {} : { sha: known.sha };
}

/** Templates and the like, which a binary without a built frontend reads from its module. */
async function staticFiles(): Promise<string> {
  const found = await succeed('go', ['mod', 'download', '-json', 'code.gitea.io/gitea'], MODULE);
  return (JSON.parse(found) as { Dir: string }).Dir;
}

async function succeed(command: string, args: string[], cwd?: string): Promise<string> {
  const options = { timeoutMs: 120_000, ...(cwd === undefined ? {} : { cwd }) };
  const { stdout, stderr, code } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

function configuration(dir: string, port: number, files: string): string {
  return `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = ${process.getuid?.() === 0}
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${dir}
[server]
STATIC_ROOT_PATH = ${files}
APP_DATA_PATH = ${join(dir, 'data')}
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(dir, 'gitea.db')}
[repository]
ROOT = ${join(dir, 'repositories')}
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = for tests only
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
MODE = console
LEVEL = warn
`;
}
