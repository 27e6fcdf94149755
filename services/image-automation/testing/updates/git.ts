// The repository of a case at a real Git server, and what automations left in it.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileChange, GitServer, GitServerRepository } from '@weir/cluster';
import { readSignedCommit, verifySignature, withObjects } from '@weir/git';
import type { FileSetup, GitSetup, RecordedCommit } from './case.ts';

export interface CaseRepository {
  repository: GitServerRepository;
  /** Adds a commit by hand to main. */
  commit(files: Record<string, string | null>, message?: string): Promise<void>;
  /** The commits by automations so far, over all branches. */
  pushed(): Promise<string[]>;
  /** The branches with their commits, oldest first. */
  branches(publicKey: string): Promise<Record<string, RecordedCommit[]>>;
  /** The references of each push that arrived, and its options. */
  pushes(): Promise<string[]>;
  /** The name of a commit in the case. */
  nameOf(commit: string): Promise<string>;
}

const timeoutMs = 20_000;

export async function createCaseRepository(
  server: GitServer,
  name: string,
  setup: GitSetup,
): Promise<CaseRepository> {
  const repository = await server.createRepository(name);
  const names = new Map<string, string>();
  let before: string | undefined;
  for (const [branch, files] of Object.entries(setup.branches)) {
    const changes = Object.fromEntries(
      Object.entries(files).map(([path, file]) => [path, changeOf(file)]),
    );
    const parent = before === undefined ? {} : { parent: before };
    const message = `seed ${branch}`;
    before = await repository.commit(changes, { branch, message, ...parent });
    names.set(before, `<repo seed ${branch}>`);
  }
  for (const [tag, branch] of Object.entries(setup.tags ?? {})) {
    await repository.git('update-ref', `refs/tags/${tag}`, `refs/heads/${branch}`);
  }
  const log = await recordPushes(repository);
  repository.setAuth(setup.auth);
  repository.setReadOnly(setup.readOnly ?? false);
  const { moveOnPush } = setup;
  if (moveOnPush) {
    repository.beforeNextPush(async () => {
      names.set(
        await repository.commit(moveOnPush.files, { message: 'moved meanwhile' }),
        '<repo moved>',
      );
    });
  }
  let byHand = 0;

  async function commitsOf(branch: string): Promise<string[]> {
    return (await repository.git('rev-list', '--reverse', '--topo-order', branch)).split('\n');
  }
  async function allBranches(): Promise<string[]> {
    const listed = await repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads');
    return listed.split('\n').filter((line) => line !== '');
  }
  async function pushed(): Promise<string[]> {
    const all = new Set<string>();
    for (const branch of await allBranches()) {
      for (const id of await commitsOf(branch)) if (!names.has(id)) all.add(id);
    }
    return [...all];
  }
  async function nameOf(id: string): Promise<string> {
    const known = names.get(id);
    if (known !== undefined) return known;
    const index = (await pushed()).indexOf(id);
    return index < 0 ? id : `<repo pushed ${index + 1}>`;
  }

  return {
    repository,
    async commit(files, message = 'change') {
      names.set(await repository.commit(files, { message }), `<repo commit ${++byHand}>`);
    },
    pushed,
    nameOf,
    async branches(publicKey) {
      const found: Record<string, RecordedCommit[]> = {};
      for (const branch of await allBranches()) {
        found[branch] = [];
        for (const id of await commitsOf(branch)) {
          found[branch].push(await describeCommit(repository, id, await nameOf(id), publicKey));
        }
      }
      return found;
    },
    async pushes() {
      const text = await readFile(log, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
  };
}

function changeOf(file: FileSetup): FileChange {
  if (typeof file === 'string') return file;
  if ('link' in file) return { content: file.link, mode: '120000' };
  return { content: file.text, mode: file.mode === '755' ? '100755' : '100644' };
}

/** A hook that writes a line for each reference of a push. */
async function recordPushes({ dir }: GitServerRepository): Promise<string> {
  const log = join(dir, 'pushes.log');
  const hook = join(dir, 'hooks/post-receive');
  await mkdir(join(dir, 'hooks'), { recursive: true });
  const lines = [
    '#!/bin/sh',
    'options=""; i=0',
    'while [ "$i" -lt "0$GIT_PUSH_OPTION_COUNT" ]; do',
    '  eval "options=\\"\\$options \\$GIT_PUSH_OPTION_$i\\""; i=$((i + 1))',
    'done',
    `while read -r old new ref; do echo "$ref :$options" >> '${log}'; done`,
  ];
  await writeFile(hook, `${lines.join('\n')}\n`);
  await chmod(hook, 0o755);
  return log;
}

async function describeCommit(
  { dir, git }: GitServerRepository,
  id: string,
  name: string,
  publicKey: string,
): Promise<RecordedCommit> {
  const raw = await readBlob(dir, id);
  const subject = await git('log', '-1', '--format=%s', id);
  if (!name.startsWith('<repo pushed')) return { by: 'setup', commit: name, message: subject };
  const show = (format: string) => git('log', '-1', `--format=${format}`, id);
  const files: RecordedCommit['files'] = {};
  for (const line of (await git('diff-tree', '-r', '--no-commit-id', id)).split('\n')) {
    const [, mode = '', , , status = '', path = ''] =
      /^:\d+ (\d+) (\w+) (\w+) (\w)\t(.*)$/.exec(line)?.slice(0) ?? [];
    if (path === '') continue;
    const content = await readBlob(dir, `${id}:${path}`);
    files[path] = { content, mode, status };
  }
  const signed = await withObjects({ dir, timeoutMs }, (objects) => readSignedCommit(objects, id));
  const signature = signed.signature && (await verify(signed, publicKey));
  return {
    by: 'automation',
    commit: name,
    author: await show('%an <%ae>'),
    committer: await show('%cn <%ce>'),
    message: raw.slice(raw.indexOf('\n\n') + 2),
    parents: (await show('%P')).split(' ').length,
    files,
    ...(signature ? { signature } : {}),
  };
}

async function verify(
  signed: Parameters<typeof verifySignature>[0],
  publicKey: string,
): Promise<string> {
  await verifySignature(signed, { openpgp: [publicKey], ssh: [] }, { timeoutMs });
  return 'PGP good';
}

async function readBlob(dir: string, name: string): Promise<string> {
  let text = '';
  await withObjects({ dir, timeoutMs }, async (objects) => {
    for await (const { content } of objects.read([name], 1e8)) {
      for await (const chunk of content) text += chunk.toString();
    }
  });
  return text;
}
