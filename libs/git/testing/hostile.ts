import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface HostileEntry {
  mode: string;
  name: string;
  id: string;
}

/** A bare repository made of raw objects, most of which git itself would refuse to commit. */
export interface HostileRepository {
  dir: string;
  /** The id of a small blob. */
  blob: string;
  file(name: string): HostileEntry;
  link(name: string): HostileEntry;
  folder(name: string, tree: string): HostileEntry;
  object(type: string, content: Buffer): Promise<string>;
  tree(entries: readonly HostileEntry[]): Promise<string>;
  rawTree(content: Buffer): Promise<string>;
  /** Creates a commit of a tree, and makes it `main`. */
  commit(tree: string): Promise<string>;
  git(args: readonly string[], input?: Buffer): Promise<string>;
}

export async function createHostileRepository(dir: string): Promise<HostileRepository> {
  await runGit('/', ['-c', 'init.defaultBranch=main', 'init', '--quiet', '--bare', dir]);
  const git = (args: readonly string[], input?: Buffer) => runGit(dir, args, input);
  const object = (type: string, content: Buffer) =>
    git(['hash-object', '--literally', '-t', type, '-w', '--stdin'], content);
  const rawTree = (content: Buffer) => object('tree', content);
  const blob = await object('blob', Buffer.from('x'));
  return {
    dir,
    blob,
    file: (name) => ({ mode: '100644', name, id: blob }),
    link: (name) => ({ mode: '120000', name, id: blob }),
    folder: (name, id) => ({ mode: '40000', name, id }),
    object,
    rawTree,
    tree: (entries) => rawTree(Buffer.concat(entries.map(encode))),
    async commit(tree) {
      const who = 'Eve <eve@example.com> 1700000000 +0000';
      const content = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nHostile\n`;
      const id = await object('commit', Buffer.from(content));
      await git(['update-ref', 'refs/heads/main', id]);
      return id;
    },
    git,
  };
}

function encode({ mode, name, id }: HostileEntry): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
}

async function runGit(cwd: string, args: readonly string[], input?: Buffer): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
  const child = spawn('git', args, { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`git ${args[0]} failed with ${code}`);
  return output.trim();
}
