// Digests of parts of the spec that Flux keeps in the status: SHA-256 of the JSON that Go's encoder writes.
import { createHash } from 'node:crypto';
import type { HelmRelease } from '@weir/api';

type Spec = HelmRelease['spec'];
/** A Map keeps its order also for keys that look like numbers. */
type Json = string | undefined | Json[] | { [key: string]: Json } | Map<string, string>;

/** The digest of `spec.postRenderers`; empty if there are none. */
export function postRenderersDigest({ postRenderers }: Spec): string {
  if (postRenderers === undefined) return '';
  return goDigest(
    postRenderers.map(({ kustomize }) =>
      kustomize === undefined
        ? {}
        : {
            kustomize: {
              patches: patchesOf(kustomize.patches),
              images: imagesOf(kustomize.images),
            },
          },
    ),
  );
}

/** The digest of `spec.commonMetadata`; empty if there is none. */
export function commonMetadataDigest({ commonMetadata }: Spec): string {
  if (commonMetadata === undefined) return '';
  const { annotations, labels } = commonMetadata;
  return goDigest({ annotations: sortedMap(annotations), labels: sortedMap(labels) });
}

type Kustomize = NonNullable<NonNullable<Spec['postRenderers']>[number]['kustomize']>;

/** Fields in the order of Go's structs; empty ones are left out, as `omitempty` does. */
function patchesOf(patches: Kustomize['patches']): Json {
  if (patches === undefined || patches.length === 0) return undefined;
  return patches.map(({ patch, target }) => ({
    patch,
    target: target && {
      group: target.group || undefined,
      version: target.version || undefined,
      kind: target.kind || undefined,
      namespace: target.namespace || undefined,
      name: target.name || undefined,
      annotationSelector: target.annotationSelector || undefined,
      labelSelector: target.labelSelector || undefined,
    },
  }));
}

function imagesOf(images: Kustomize['images']): Json {
  if (images === undefined || images.length === 0) return undefined;
  return images.map(({ name, newName, newTag, digest }) => ({
    name,
    newName: newName || undefined,
    newTag: newTag || undefined,
    digest: digest || undefined,
  }));
}

/** Go writes the keys of a map in the order of their bytes. */
function sortedMap(map: Record<string, string> | undefined): Json {
  if (map === undefined || Object.keys(map).length === 0) return undefined;
  const byBytes = ([a]: [string, string], [b]: [string, string]) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b));
  return new Map(Object.entries(map).sort(byBytes));
}

/** Characters that Go escapes in JSON and JavaScript does not, because they could end a script in HTML. */
const ESCAPED: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

function goJson(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value ?? {});
  const fields = entries.flatMap(([key, inner]) =>
    inner === undefined ? [] : `${JSON.stringify(key)}:${goJson(inner)}`,
  );
  return `{${fields.join(',')}}`;
}

function goDigest(value: Json): string {
  const json = goJson(value).replaceAll(/[<>&\u2028\u2029]/g, (it) => ESCAPED[it] ?? it);
  return `sha256:${createHash('sha256').update(`${json}\n`).digest('hex')}`;
}
