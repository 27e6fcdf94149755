// The label and annotations by which Helm says that an object belongs to a release (pkg/action/validate.go). They are on
// live objects only, and never in a stored manifest.
import type { PlacedObject } from '@weir/apply';
import type { KubeObject } from '@weir/kube';
import { resourceText } from './place.ts';

export interface ReleaseName {
  name: string;
  namespace: string;
}

const MANAGED_BY = { key: 'app.kubernetes.io/managed-by', value: 'Helm' };
const RELEASE_NAME = 'meta.helm.sh/release-name';
const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace';

/** The object as it belongs to the release, whatever it said of that before. */
function ownedBy({ name, namespace }: ReleaseName, object: KubeObject): KubeObject {
  const { labels, annotations } = object.metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, [MANAGED_BY.key]: MANAGED_BY.value },
      annotations: { ...annotations, [RELEASE_NAME]: name, [RELEASE_NAMESPACE]: namespace },
    },
  };
}

/** Objects as Helm applies them. */
export function asOwned(release: ReleaseName, objects: readonly PlacedObject[]): PlacedObject[] {
  return objects.map(({ object, type }) => ({ type, object: ownedBy(release, object) }));
}

/** Throws an Error in Helm's words for an object that belongs to no release, or to another one. */
export function requireOwnership(placed: PlacedObject, live: KubeObject, release: ReleaseName) {
  const { labels = {}, annotations = {} } = live.metadata;
  const errors = [
    ...mismatch('label', labels, MANAGED_BY.key, MANAGED_BY.value),
    ...mismatch('annotation', annotations, RELEASE_NAME, release.name),
    ...mismatch('annotation', annotations, RELEASE_NAMESPACE, release.namespace),
  ];
  if (errors.length === 0) return;
  const why = `invalid ownership metadata; ${errors.join('; ')}`;
  throw new Error(
    `${resourceText(placed)} exists and cannot be imported into the current release: ${why}`,
  );
}

function mismatch(
  what: string,
  found: Record<string, string>,
  key: string,
  wanted: string,
): string[] {
  const actual = found[key];
  const prefix = `${what} validation error:`;
  const [name, value] = [JSON.stringify(key), JSON.stringify(wanted)];
  if (actual === undefined) return [`${prefix} missing key ${name}: must be set to ${value}`];
  if (actual === wanted) return [];
  return [`${prefix} key ${name} must equal ${value}: current value is ${JSON.stringify(actual)}`];
}
