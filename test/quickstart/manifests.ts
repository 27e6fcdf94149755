import { readdir, readFile } from 'node:fs/promises';
import type { KubeClient, KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';

const FOLDER = new URL('manifests/', import.meta.url);
const FIELD_MANAGER = 'kubectl';

/** The objects of the example. Each `${NAME}` in them is replaced by the value of that name. */
export async function readManifests(values: Record<string, string>): Promise<KubeObject[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml')).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
  return texts
    .map((text) => text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => substitution(values, name)))
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject));
}

function substitution(values: Record<string, string>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`no value for \${${name}} in the example's manifests`);
  return value;
}

/** Applies objects one after another, as `kubectl apply --server-side` does. */
export async function applyManifests(client: KubeClient, objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
    await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true });
  }
}
