import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import type { ArtifactFile } from '../requests.ts';
import type { FileIndex } from '../trace.ts';

/** An artifact's files: path to content. */
export type Files = Record<string, string>;

/** The beginning of a symbolic link's content; its target follows. */
export const LINK = '\0link to ';

/** A packed artifact in a folder that is removed with the test. */
export interface TestArtifact extends ArtifactFile {
  fileIndex: FileIndex;
}

/** Packs files as the artifact lib does: files only, relative paths, sorted. */
export async function packFiles(t: TestContext, files: Files): Promise<TestArtifact> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-render-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return await packInto(folder, files);
}

/** Packs files into a folder, under their digest. Links are packed too, as in archives that others packed. */
export async function packInto(folder: string, files: Files): Promise<TestArtifact> {
  const archive = pack();
  const packed = buffer(archive.pipe(createGzip({ level: 1 })));
  for (const name of Object.keys(files).sort()) {
    const content = files[name] ?? '';
    if (isLink(content)) {
      archive.entry({ name, type: 'symlink', linkname: content.slice(LINK.length) });
    } else archive.entry({ name }, content);
  }
  archive.finalize();
  const bytes = await packed;
  const digest = sha256(bytes);
  const file = join(folder, `${digest.slice('sha256:'.length)}.tar.gz`);
  await writeFile(file, bytes);
  return { digest, file, fileIndex: fileIndexOf(files) };
}

/** The file index that the artifact lib makes for these files, which has no links. */
export function fileIndexOf(files: Files): FileIndex {
  const regular = Object.entries(files).filter(([, text]) => !isLink(text));
  return Object.fromEntries(regular.map(([path, text]) => [path, sha256(text)]));
}

function isLink(content: string): boolean {
  return content.startsWith(LINK);
}

function sha256(data: string | Buffer): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

export const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: 'registry.example/web:1.0.0'}
`;

export const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`;

/** Two environments over one base, a component and a file outside of them. */
export const EXAMPLE: Files = {
  'base/deployment.yaml': DEPLOYMENT,
  'base/service.yaml': SERVICE,
  'base/kustomization.yaml': 'resources: [deployment.yaml, service.yaml]\n',
  'staging/kustomization.yaml': 'resources: [../base]\nnamePrefix: staging-\n',
  'production/kustomization.yaml':
    'resources: [../base]\nconfigMapGenerator: [{name: env, envs: [../shared/env.txt]}]\n',
  'shared/env.txt': 'region=eu\n',
  'part/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {part: of}}]\n',
};

/** Something that takes Kustomize long: its time grows with the square of a map's size. */
export const SLOW: Files = slowFiles(40_000);

/** Something that takes it half a second. */
export const MEDIUM: Files = slowFiles(6_000);

function slowFiles(keys: number): Files {
  return {
    'app/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: slow}
data:
${Array.from({ length: keys }, (_, n) => `  key${n}: value`).join('\n')}
`,
  };
}

/** This takes more memory than an engine has: aliases of aliases of aliases. */
export const BOMB: Files = {
  'app/bomb.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: bomb}
data:
  a: &a [x, x, x, x, x, x, x, x, x, x]
${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  .map(
    (one, n, all) =>
      `  ${all[n + 1] ?? 'z'}: &${all[n + 1] ?? 'z'} [${Array(10).fill(`*${one}`).join(', ')}]`,
  )
  .join('\n')}
`,
};

/** A folder of large files, which takes more memory than most builds, but less than an engine has. */
export const WIDE: Files = { ...MEDIUM, ...largeFiles(40) };

/** This takes half the memory that most builds may take. */
export const HALF: Files = { ...EXAMPLE, ...largeFiles(8) };

function largeFiles(count: number): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `data/${n}.txt`,
      randomBytes(1024 ** 2).toString('hex'),
    ]),
  );
}

/** Waits until a process has ended, for 10 s at most. */
export async function processEnds(pid: number): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (isAlive(pid)) {
    if (deadline.aborted) throw new Error(`process ${pid} goes on`);
    await once(AbortSignal.timeout(20), 'abort');
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
