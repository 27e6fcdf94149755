// Random edits of an artifact, most of them where a build looks: what it read, listed or missed.
import { posix } from 'node:path';
import fc from 'fast-check';
import type { Trace } from '../trace.ts';
import { type Files, LINK } from './artifact.ts';
import { configMap, ELSEWHERE, KUSTOMIZATION_NAMES, service } from './trees.ts';

export interface Edit {
  verb: Verb;
  /** Chooses the path, modulo how many there are to choose from. */
  at: number;
  /** Chooses the content, or the other path. */
  to: number;
}

const VERBS = [
  'write',
  'write',
  'change',
  'change',
  'remove',
  'move',
  'copy',
  'link',
  'rename kustomization',
  'drop kustomization',
  'add beside',
  'edit elsewhere',
] as const;

export type Verb = (typeof VERBS)[number];

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({ verb: fc.constantFrom(...VERBS), at: fc.nat(9999), to: fc.nat(9999) }),
  { minLength: 1, maxLength: 24, size: 'max' },
);

const CONTENTS = [
  '',
  configMap('written'),
  service('written'),
  'resources: [deployment.yaml]\n',
  'resources: [../base]\nnamePrefix: x-\n',
  'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: y-\n',
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: tab\n',
  'not: kubernetes\n',
  'A=3\n',
  '- {op: add, path: /metadata/labels, value: {x: y}}\n',
];

const CHANGES: ((content: string) => string)[] = [
  (content) => `${content}# more\n`,
  (content) => content.replace(/1/g, '7'),
  (content) => content.replace('name: ', 'name: z'),
  (content) => content.replace(/"resources": \[/, '"resources": ["new.yaml", '),
  (content) => content.replace(/\.\.\//, ''),
  (content) => `${content}\t`,
];

const NEW_NAMES = [
  ...KUSTOMIZATION_NAMES,
  ...['new.yaml', 'deployment.yaml', 'not-there.yaml', 'new.txt', '.new.yaml', 'ä.yaml'],
  ...['new/kustomization.yaml', 'new/deep/config.yaml'],
];

/** Folders that are copied into themselves grow fast. */
const MAX_FILES = 200;

/** Files after an edit. `trace` comes from an earlier build, and shows where edits matter. */
export function applyEdit(files: Files, { verb, at, to }: Edit, trace: Trace): Files {
  const after = { ...files };
  if (Object.keys(files).length > MAX_FILES) verb = 'remove';
  const places = placesOf(files, trace);
  const place = pick(places, at);
  const isEmpty = Object.keys(files).length === 0;
  switch (verb) {
    case 'write':
      put(after, place, pick(CONTENTS, to));
      break;
    case 'change': {
      if (isEmpty) break;
      const path = pick(Object.keys(files), at);
      put(after, path, pick(CHANGES, to)(files[path] ?? ''));
      break;
    }
    case 'remove':
      take(after, place);
      break;
    case 'move':
    case 'copy': {
      if (isEmpty) break;
      const from = pick([...Object.keys(files), ...foldersOf(files)], at);
      const target = pick(places, to);
      const moved = verb === 'move' ? take(after, from) : below(after, from);
      for (const [rest, content] of Object.entries(moved)) put(after, target + rest, content);
      break;
    }
    case 'link':
      put(after, place, `${LINK}${pick(places, to)}`);
      break;
    case 'rename kustomization':
    case 'drop kustomization': {
      const kustomizations = Object.keys(files).filter(isKustomization);
      if (kustomizations.length === 0) break;
      const path = pick(kustomizations, at);
      const name = posix.join(posix.dirname(path), pick(KUSTOMIZATION_NAMES, to));
      const content = take(after, path)[''] ?? '';
      if (verb === 'rename kustomization') put(after, name, content);
      break;
    }
    case 'add beside':
      put(
        after,
        posix.join(pick(['', ...foldersOf(files)], at), pick(NEW_NAMES, to)),
        pick(CONTENTS, to),
      );
      break;
    case 'edit elsewhere':
      put(after, posix.join(ELSEWHERE, pick(['config.yaml', 'more/x.yaml', 'y'], at)), `${to}`);
  }
  return after;
}

/** Paths worth editing: files, folders, paths that the build asked for, and new names in listed folders. */
function placesOf(files: Files, { files: read, dirs, kinds }: Trace): string[] {
  const listed = Object.keys(dirs).flatMap((dir) => NEW_NAMES.map((name) => posix.join(dir, name)));
  const looked = [read, dirs, kinds].flatMap((seen) => Object.keys(seen));
  const all = [...Object.keys(files), ...foldersOf(files), ...looked, ...listed];
  // Parents are added too: a file may be created where the build looked for a folder.
  const places = new Set(all.flatMap((path) => [path, posix.dirname(path)]));
  return [...places].filter((path) => path !== '' && path !== '.').sort();
}

function foldersOf(files: Files): string[] {
  const folders = new Set<string>();
  for (const path of Object.keys(files)) {
    for (let up = posix.dirname(path); up !== '.'; up = posix.dirname(up)) folders.add(up);
  }
  return [...folders].sort();
}

/** Writes a file. A folder at its path, or a file at the path of one of its folders, is removed first. */
function put(files: Files, path: string, content: string): void {
  take(files, path);
  for (let up = posix.dirname(path); up !== '.'; up = posix.dirname(up)) delete files[up];
  files[path] = content;
}

/** Removes a file, or everything in a folder. Returns the removed contents by the rest of each path. */
function take(files: Files, path: string): Files {
  const taken = below(files, path);
  for (const rest of Object.keys(taken)) delete files[path + rest];
  return taken;
}

function below(files: Files, path: string): Files {
  const inside = Object.entries(files).filter(
    ([name]) => name === path || name.startsWith(`${path}/`),
  );
  return Object.fromEntries(inside.map(([name, content]) => [name.slice(path.length), content]));
}

function isKustomization(path: string): boolean {
  return (KUSTOMIZATION_NAMES as readonly string[]).includes(posix.basename(path));
}

function pick<T>(from: readonly T[], n: number): T {
  return from[n % from.length] as T;
}
