// The compared parts of the Secrets in which Helm stores its releases.
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { KubeObject } from '@weir/kube';

export const STORAGE_TYPE = 'helm.sh/release.v1';

/** The compared part of a release as Helm stores it. */
export interface StoredRelease {
  name: string;
  namespace: string;
  version: number;
  apply_method?: string;
  info: {
    status: string;
    description: string;
    notes?: string;
    deleted?: string;
    [field: string]: unknown;
  };
  chart: {
    metadata: Record<string, unknown>;
    templates?: StoredFile[] | null;
    files?: StoredFile[] | null;
    values?: Record<string, unknown> | null;
  };
  config?: Record<string, unknown> | null;
  manifest?: string;
  hooks?: StoredHook[] | null;
  [field: string]: unknown;
}

interface StoredFile {
  name: string;
}

interface StoredHook {
  name: string;
  kind: string;
  path: string;
  manifest: string;
  events: string[];
  last_run: { phase?: string; started_at?: string };
  weight?: number;
  delete_policies?: string[];
}

/** Decodes `data.release`: base64 of Kubernetes, then of Helm, then gzip. */
export async function decodeRelease(secret: KubeObject): Promise<StoredRelease> {
  const { release = '' } = secret.data as Record<string, string>;
  const inner = Buffer.from(Buffer.from(release, 'base64').toString(), 'base64');
  return JSON.parse((await promisify(gunzip)(inner)).toString()) as StoredRelease;
}

export async function encodeRelease(release: StoredRelease): Promise<string> {
  const packed = await promisify(gzip)(JSON.stringify(release));
  return Buffer.from(packed.toString('base64')).toString('base64');
}

export async function describeStorage(secret: KubeObject): Promise<Record<string, unknown>> {
  const release = await decodeRelease(secret);
  const { name, namespace, version, apply_method, info, chart } = release;
  const config = release.config ?? {};
  const hooks = release.hooks ?? [];
  return {
    ...{ name, namespace, version, apply_method, type: secret.type },
    labels: withoutTimes(secret.metadata.labels),
    status: info.status,
    description: info.description,
    deleted: isTime(info.deleted),
    ...(info.notes ? { notes: info.notes } : {}),
    chart: {
      metadata: chart.metadata,
      templates: namesOf(chart.templates),
      files: namesOf(chart.files),
      values: chart.values ?? {},
    },
    ...(Object.keys(config).length === 0 ? {} : { config }),
    manifest: documentsOf(release.manifest),
    hooks: hooks.map(describeHook),
    hooksRan: hooks
      .filter(({ last_run }) => isTime(last_run.started_at))
      .map((hook) => hook.name)
      .sort(),
  };
}

function describeHook(hook: StoredHook): Record<string, unknown> {
  const { name, kind, path, events, weight, delete_policies, last_run } = hook;
  return {
    ...{ name, kind, path, events },
    ...(weight ? { weight } : {}),
    ...(delete_policies?.length ? { delete_policies } : {}),
    ...(last_run.phase ? { phase: last_run.phase } : {}),
    manifest: documentsOf(hook.manifest),
  };
}

/** The documents of a manifest in their order; of each the sorted lines, because the order of keys means nothing. */
function documentsOf(manifest = ''): string[] {
  const documents = manifest.split(/^---.*$/m).map((document) =>
    document
      .split('\n')
      .map((line) => line.replaceAll(/["']/g, '').trim())
      .filter((line) => line !== '')
      .sort()
      .join('\n'),
  );
  return documents.filter((document) => document !== '');
}

// Go writes a list without items as null.
function namesOf(files: readonly StoredFile[] | null | undefined): string[] {
  return (files ?? []).map(({ name }) => name).sort();
}

const TIMES = new Set(['createdAt', 'modifiedAt']);

function withoutTimes(labels: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, TIMES.has(key) ? '<time>' : value]),
  );
}

/** Whether a time is set; Go writes the year 1 for one that is not. */
function isTime(text: string | undefined): boolean {
  return text !== undefined && text !== '' && !text.startsWith('0001-');
}
