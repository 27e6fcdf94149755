// A fixture of HelmReleases: what exists at the start, what is done then, and what is compared.
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { KubeObject } from '@weir/kube';
import { parse } from 'yaml';
import type { Condition } from './states.ts';

const FOLDER = join(import.meta.dirname, 'fixtures');

/** Files of a repository: texts by path, a chart of the folder `charts` below a path, or its package at a path. */
export type Files = Record<string, string | null | { chart: string } | { package: string }>;

/** How long a step waits. Its `until` is `done` unless given. */
interface Waiting {
  until?: Condition;
  timeoutMs?: number;
}

/** `<plural>/<name>` or `<group>/<version>/<plural>/<name>`, in the fixture's namespace. */
type ResourcePath = string;

export type Step =
  /** Merges into the spec of a HelmRelease; null removes a field. */
  | ({ change: string; spec: Record<string, unknown> } & Waiting)
  /** Creates a HelmRelease that `hold` named. */
  | ({ create: string } & Waiting)
  /** Deletes a HelmRelease and waits until it is gone. */
  | ({ delete: string } & Waiting)
  /** Requests a reconcile, as `flux reconcile helmrelease` does. */
  | ({ request: string; force?: boolean; reset?: boolean } & Waiting)
  /** Waits for a HelmRelease. */
  | ({ settle: string } & Waiting)
  /** Adds charts to the repository and waits until the HelmRepository has them, then for the HelmRelease `web`. */
  | ({ publish: string[] } & Waiting)
  /** Commits files and waits until the GitRepository has the commit, then `pauseMs` or for the HelmRelease `web`. */
  | ({ commit: Files; pauseMs?: number } & Waiting)
  /** A merge patch by hand. */
  | { patch: ResourcePath; with: Record<string, unknown> }
  | { remove: ResourcePath }
  /** Applies an object as another field manager. */
  | { apply: KubeObject; as: string }
  /** Merges into a stored release, or into a copy that is stored as version `as`. */
  | { editRelease: string; version: number; with: Record<string, unknown>; as?: number }
  | { together: Step[] }
  | { pauseMs: number }
  | { deleteNamespace: true; timeoutMs?: number }
  /** Compares the cluster at this point in short. The end is always compared in full. */
  | { snapshot: string };

const VERBS = [
  ...['change', 'create', 'delete', 'request', 'settle', 'publish', 'commit', 'patch', 'remove'],
  ...['apply', 'editRelease', 'together', 'deleteNamespace', 'snapshot'],
];

export interface HelmFixture {
  name: string;
  /** What the fixture shows, in one sentence. */
  about: string;
  /** `helm-<name>`, written `%ns%` in the fixture. */
  namespace: string;
  /** The field that Weir does not support yet and that this fixture needs. */
  pending?: string;
  /**
   * The charts of the folder `charts` that the HelmRepository `repo` serves. Without charts there is no HelmRepository.
   */
  charts?: string[];
  /** The suffix of the namespace in which the HelmRepository is, in place of the fixture's own. */
  repositoryIn?: string;
  /** Files of the GitRepository `src`. */
  git?: Files;
  /** Further namespaces `%ns%-<suffix>`. One written `?<suffix>` is not created, only compared. */
  namespaces?: string[];
  /** Further kinds to compare, as `<group>/<version>/<plural>`. */
  kinds?: string[];
  /** Paths of cluster-scoped objects to compare. */
  clusterObjects?: string[];
  /** Resources to count at the end, as `<plural>` or `<group>/<version>/<plural>`. */
  counts?: string[];
  /** Objects that are applied first. */
  objects?: KubeObject[];
  /** The specs of HelmReleases by name. Fields that aren't given have the values of `DEFAULT_SPEC`; null removes one. */
  releases: Record<string, Record<string, unknown>>;
  /** HelmReleases that a step creates later. */
  hold?: string[];
  /** False where the HelmReleases are not waited for at the start. */
  settle?: false;
  /** The condition to wait for at the start; by HelmRelease, if they differ. */
  until?: Condition | Record<string, Condition>;
  /** How long the result must stay the same, in ms, where more could happen. */
  quietMs?: number;
  timeoutMs?: number;
  steps?: Step[];
}

/** Reads fixtures, sorted by name: those whose names contain one of the texts, or all. Throws for an unknown step. */
export async function loadHelmFixtures(only: readonly string[] = []): Promise<HelmFixture[]> {
  const names = globSync('*.yaml', { cwd: FOLDER }).map((path) => basename(path, '.yaml'));
  const wanted = names.filter((name) => only.length === 0 || only.some((it) => name.includes(it)));
  return Promise.all(wanted.sort().map(load));
}

async function load(name: string): Promise<HelmFixture> {
  const text = await readFile(join(FOLDER, `${name}.yaml`), 'utf8');
  const namespace = `helm-${name}`;
  const fixture = parse(text.replaceAll('%ns%', namespace)) as Omit<HelmFixture, 'name'>;
  for (const step of fixture.steps ?? []) checkStep(name, step);
  return { ...fixture, name, namespace };
}

function checkStep(name: string, step: Step): void {
  const verbs = Object.keys(step).filter((key) => VERBS.includes(key));
  if (verbs.length === 0 && 'pauseMs' in step) return;
  if (verbs.length !== 1)
    throw new Error(`${name}: a step does one thing: ${JSON.stringify(step)}`);
}
