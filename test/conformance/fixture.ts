// What a fixture is: a story about one field or annotation, told in steps, in a namespace of its own.
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';

/** Content, nothing (delete), a symbolic link, or text that is repeated to make something big. */
export type FileContent = string | null | { symlink: string } | { repeat: string; times: number };

/** `<Kind>/<name>`, `<namespace>:<Kind>/<name>`, or with the group where two have the kind: `<Kind>.<group>/<name>`. */
export type ObjectName = string;

export type Step =
  /** Commits files and waits until the source has them; makes repository and GitRepository the first time. */
  | { commit: Record<string, FileContent>; source?: string }
  /** Applies a Kustomization: what isn't given is `DEFAULT_SPEC`. */
  | {
      kustomization: Record<string, unknown>;
      name?: string;
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
    }
  /** Server-side apply of YAML documents, as a field manager. */
  | { apply: string; as?: string }
  /** POST of YAML documents, as a field manager. */
  | { create: string; as?: string }
  /** A merge patch, as a field manager; `status: true` for the subresource. */
  | { patch: ObjectName; with: Record<string, unknown>; as?: string; status?: boolean }
  /** Gives an object the artifact of a GitRepository, as whoever reconciles its kind would. */
  | { lend: ObjectName; source?: string; metadata?: Record<string, string> }
  | { delete: ObjectName }
  /** Until the API server refuses to create this: a policy needs a moment to be in force. */
  | { refused: string }
  /** Asks for a reconcile, as `flux reconcile kustomization` does. */
  | { reconcile: string }
  /** Until the Kustomization is `ready` with what was asked last, not ready for this reason, or `done`: either. */
  | { wait: string; name?: string; message?: string }
  | { gone: ObjectName }
  /** Until the object is there, and where `with` is given, has at least that. */
  | { there: ObjectName; with?: Record<string, unknown> }
  /** Compares what is there now, too; the end of a fixture always is compared. */
  | { snapshot: string };

const VERBS = [
  'commit',
  'kustomization',
  'apply',
  'create',
  'patch',
  'lend',
  'delete',
  'refused',
  'reconcile',
  'wait',
  'gone',
  'there',
  'snapshot',
];
const MODIFIERS = ['as', 'source', 'name', 'labels', 'annotations', 'with', 'status', 'message'];
const KNOWN_STEP_KEYS = new Set([...VERBS, ...MODIFIERS, 'metadata']);
const KNOWN_KEYS = new Set(['about', 'steps', 'pending', 'flags', 'namespaces', 'kinds']);

export interface Fixture {
  /** `<area>/<name>` */
  id: string;
  /** One sentence: what is shown. */
  about: string;
  /** Its namespace, `<area>-<name>`; `%ns%` in a fixture. */
  namespace: string;
  /** A field that Weir does not support yet. */
  pending?: string;
  /** Name of the set of flags that the system runs with; see flags.ts. */
  flags: string;
  /** More namespaces, made at the start, `%ns%-<name>`; `?<name>` is only looked at. */
  namespaces: string[];
  /** `<apiVersion> <Kind>` of more objects to look at. */
  kinds: string[];
  steps: Step[];
  /** Of what is played, so that a recording tells whether it is of this fixture. */
  digest: string;
}

export interface LoadOptions {
  /** Folder with `<area>/<name>.yaml`. */
  dir: string;
  /** Only ids that contain one of these; all when empty. */
  only?: readonly string[];
}

/** Reads fixtures, sorted by id. Throws for a key that nobody would read. */
export async function loadFixtures({ dir, only = [] }: LoadOptions): Promise<Fixture[]> {
  const paths = globSync('*/*.yaml', { cwd: dir }).sort();
  const wanted = paths.filter(
    (path) => only.length === 0 || only.some((part) => idOf(path).includes(part)),
  );
  return Promise.all(
    wanted.map(async (path) => parseFixture(idOf(path), await readFile(join(dir, path), 'utf8'))),
  );
}

/** `<area>/<name>` of a fixture's path. */
function idOf(path: string): string {
  return `${basename(dirname(path))}/${basename(path, '.yaml')}`;
}

export function parseFixture(id: string, text: string): Fixture {
  const namespace = id.replace('/', '-');
  const raw = parse(text.replaceAll('%ns%', namespace)) as Record<string, unknown>;
  const { about, steps = [], flags = 'default', namespaces = [], kinds = [], pending } = raw;
  const unknown = Object.keys(raw).filter((key) => !KNOWN_KEYS.has(key));
  if (unknown.length > 0) throw new Error(`${id}: nobody reads ${unknown.join(', ')}`);
  if (typeof about !== 'string') throw new Error(`${id}: "about" says in a sentence what is shown`);
  for (const step of steps as Record<string, unknown>[]) checkStep(id, step);
  return {
    id,
    about,
    namespace,
    flags: flags as string,
    namespaces: namespaces as string[],
    kinds: kinds as string[],
    steps: steps as Step[],
    digest: digestOf({ flags, namespaces, kinds, steps }),
    ...(pending === undefined ? {} : { pending: pending as string }),
  };
}

function digestOf(played: unknown): string {
  return createHash('sha256').update(JSON.stringify(played)).digest('hex').slice(0, 16);
}

function checkStep(id: string, step: Record<string, unknown>): void {
  const keys = Object.keys(step);
  const verbs = keys.filter((key) => VERBS.includes(key));
  if (verbs.length !== 1) throw new Error(`${id}: a step does one thing, this one: ${keys}`);
  const unknown = keys.filter((key) => !KNOWN_STEP_KEYS.has(key));
  if (unknown.length > 0) throw new Error(`${id}: a step has no ${unknown.join(', ')}`);
}

/** All its namespaces beside its own, also those that a fixture only looks at. */
export function furtherNamespaces({ namespace, namespaces }: Fixture): string[] {
  return namespaces.map((name) => `${namespace}-${name.replace(/^\?/, '')}`);
}
