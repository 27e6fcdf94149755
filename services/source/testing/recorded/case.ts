// Cases that were recorded from Flux's source-controller: what servers held, what was applied and done, and what was there
// at the end. See testdata/recorded/README.md.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@weir/kube';
import type { BucketSetup } from './buckets.ts';
import type { ChartRepositoryChange, ChartRepositorySetup } from './chart-repositories.ts';
import type { GitSetup } from './git.ts';

const FOLDER = join(import.meta.dirname, '../../testdata/recorded');

export interface RecordedCase {
  name: string;
  about: string;
  setup: {
    registries?: RegistryEntry[];
    buckets?: Record<string, BucketSetup>;
    helmRepository?: ChartRepositorySetup;
    git?: GitSetup;
  };
  objects: KubeObject[];
  steps?: Step[];
  result: RecordedResult;
}

/** A manifest in a registry, with everything that belongs to it. */
export interface RegistryEntry {
  registry?: string;
  repository: string;
  tag?: string;
  digest: string;
  signature?: {
    tag?: string;
    digest?: string;
    tags?: Record<string, string>;
    /** The list of signatures, for a registry that has no list of its own. */
    index?: { tag: string; manifestFile: { digest: string } };
  };
  [more: string]: unknown;
}

export type Step =
  | { do: 'look'; mark: string }
  | ({ do: 'push to the registry' } & RegistryEntry)
  | ({ do: 'sign' } & RegistryEntry)
  | { do: 'delete the manifest from the registry'; repository: string; digest: string }
  | { do: 'put the object into the bucket'; bucket: string; key: string; text: string }
  | { do: 'delete the object from the bucket'; bucket: string; key: string }
  | ({ do: 'change the Helm repository' } & ChartRepositoryChange)
  | { do: 'commit to the branch'; files: GitSetup['files'] }
  | { do: 'wait for'; object: string; what: string }
  | { do: 'merge patch'; object: string; patch: object }
  | { do: 'set the annotation reconcile.fluxcd.io/requestedAt'; object: string }
  | { do: 'delete'; object: string };

/** Objects by kind and name. */
export type Look = Record<string, Record<string, unknown>>;

export interface RecordedResult {
  objects: Look;
  marks?: Record<string, Look>;
  artifactKept?: Record<string, boolean>;
  deleted?: Record<string, { artifact: number; object: boolean }>;
  eventMessages?: Record<string, string[]>;
  throughProxy?: boolean;
  helmRequests?: string[];
}

/** The names of the cases that begin with a prefix, such as `oci-`. */
export async function caseNames(prefix: string): Promise<string[]> {
  const files = await readdir(join(FOLDER, 'cases'));
  return files.filter((it) => it.startsWith(prefix)).map((it) => it.replace(/\.json$/, ''));
}

/** A case with what stands in for servers and the like filled in. */
export async function loadCase(
  name: string,
  standIns: Record<string, string>,
): Promise<RecordedCase> {
  const text = await readFile(join(FOLDER, 'cases', `${name}.json`), 'utf8');
  const filled = text.replace(/\$([A-Z0-9]+)/g, (whole, key: string) => {
    const value = standIns[key];
    return value === undefined ? whole : JSON.stringify(value).slice(1, -1);
  });
  return { ...(JSON.parse(filled) as Omit<RecordedCase, 'name'>), name };
}
