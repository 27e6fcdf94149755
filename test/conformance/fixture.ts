// A fixture: steps in a namespace of its own that show the behaviour of one field or annotation.
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';

/** The content of a file, `null` to delete it, a symbolic link, or a text that is repeated to make a large file. */
export type FileContent = string | null | { symlink: string } | { repeat: string; times: number };

/**
 * The name of an object: `<Kind>/<name>` or `<namespace>:<Kind>/<name>`. Where two groups have the kind, it is followed by
 * the version and the group: `<Kind>.<version>.<group>/<name>`.
 */
export type ObjectName = string;

export type Step =
  /** Commits files and waits until the source has them. The first commit creates the repository and the GitRepository. */
  | { commit: Record<string, FileContent>; source?: string }
  /** Applies a Kustomization. Fields that aren't given have the values of `DEFAULT_SPEC`. */
  | {
      kustomization: Record<string, unknown>;
      name?: string;
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
    }
  /** Applies YAML documents (server-side apply) as the field manager `as`. */
  | { apply: string; as?: string; in?: 'remote' }
  /** Creates the objects of YAML documents (POST) as the field manager `as`. */
  | { create: string; as?: string }
  /** Applies a merge patch as the field manager `as`; with `status: true` to the subresource. */
  | {
      patch: ObjectName;
      with: Record<string, unknown>;
      as?: string;
      status?: boolean;
      in?: 'remote';
    }
  /** Writes the artifact of a GitRepository into the status of another object, as a controller of its kind would. */
  | { lend: ObjectName; source?: string; metadata?: Record<string, string> }
  | { delete: ObjectName; in?: 'remote' }
  /** Waits until the API server refuses to create this object, because a new policy takes effect a moment later. */
  | { refused: string }
  /** Requests a reconcile, as `flux reconcile kustomization` does. */
  | { reconcile: string }
  /**
   * Waits until the Kustomization is `ready` with the last commit and request, until it is not ready for this reason, or
   * with `done` until one of both.
   */
  | { wait: string; name?: string; message?: string }
  | { gone: ObjectName; in?: 'remote' }
  /** Waits until the object exists and, where `with` is given, has at least these fields. */
  | { there: ObjectName; with?: Record<string, unknown>; in?: 'remote' }
  /** Also compares the cluster at this point. The end of a fixture is always compared. */
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
const MODIFIERS = [
  'as',
  'source',
  'name',
  'labels',
  'annotations',
  'with',
  'status',
  'message',
  'in',
];
const KNOWN_STEP_KEYS = new Set([...VERBS, ...MODIFIERS, 'metadata']);
const KNOWN_KEYS = new Set(['about', 'steps', 'pending', 'flags', 'namespaces', 'kinds', 'remote']);

export interface Fixture {
  /** `<area>/<name>` */
  id: string;
  /** What the fixture shows, in one sentence. */
  about: string;
  /** The fixture's namespace, `<area>-<name>`. It is written `%ns%` in the fixture. */
  namespace: string;
  /** The field that Weir does not support yet and that this fixture needs. */
  pending?: string;
  /** The name of the set of flags that the system runs with; see flags.ts. */
  flags: string;
  /** Further namespaces `%ns%-<name>`, created at the start. One written `?<name>` is not created, only compared. */
  namespaces: string[];
  /** Further kinds to compare, as `<apiVersion> <Kind>`. */
  kinds: string[];
  /**
   * Whether there is a second cluster with the same namespaces. Steps `in: remote` are done there, and its objects are compared
   * too. What leads to it stands in `apply` as play/clusters.ts says.
   */
  remote: boolean;
  steps: Step[];
  /** A digest of the fixture, by which a recording is known to belong to its present text. */
  digest: string;
}

export interface LoadOptions {
  /** The folder with `<area>/<name>.yaml`. */
  dir: string;
  /** Loads only fixtures whose ids contain one of these texts; all when empty. */
  only?: readonly string[];
}

/** Reads fixtures, sorted by id. Throws for an unknown key. */
export async function loadFixtures({ dir, only = [] }: LoadOptions): Promise<Fixture[]> {
  const paths = globSync('*/*.yaml', { cwd: dir }).sort();
  const wanted = paths.filter(
    (path) => only.length === 0 || only.some((part) => idOf(path).includes(part)),
  );
  return Promise.all(
    wanted.map(async (path) => parseFixture(idOf(path), await readFile(join(dir, path), 'utf8'))),
  );
}

/** The id `<area>/<name>` of the fixture in this file. */
function idOf(path: string): string {
  return `${basename(dirname(path))}/${basename(path, '.yaml')}`;
}

export function parseFixture(id: string, text: string): Fixture {
  const namespace = id.replace('/', '-');
  const raw = parse(text.replaceAll('%ns%', namespace)) as Record<string, unknown>;
  const {
    about,
    steps = [],
    flags = 'default',
    namespaces = [],
    kinds = [],
    remote = false,
    pending,
  } = raw;
  const unknown = Object.keys(raw).filter((key) => !KNOWN_KEYS.has(key));
  if (unknown.length > 0) throw new Error(`${id}: unknown keys ${unknown.join(', ')}`);
  if (typeof about !== 'string') throw new Error(`${id}: "about" says in a sentence what is shown`);
  for (const step of steps as Record<string, unknown>[]) checkStep(id, step);
  return {
    id,
    about,
    namespace,
    flags: flags as string,
    namespaces: namespaces as string[],
    kinds: kinds as string[],
    remote: remote === true,
    steps: steps as Step[],
    digest: digestOf({ flags, namespaces, kinds, steps, ...(remote === true ? { remote } : {}) }),
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

/** All namespaces of a fixture except its own, also those that are only compared. */
export function furtherNamespaces({ namespace, namespaces }: Fixture): string[] {
  return namespaces.map((name) => `${namespace}-${name.replace(/^\?/, '')}`);
}
