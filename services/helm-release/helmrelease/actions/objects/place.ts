// The objects of a release as Helm builds them from a manifest: each with its kind and its namespace.
import { type PlacedObject, placeObject } from '@weir/apply';
import { isNoMatch, type KubeClient, type KubeObject } from '@weir/kube';

/**
 * The objects in their place, in the order given. Rejects with an Error that names all objects whose kinds the API server
 * doesn't have, in the words of kubectl's builder, which Helm uses.
 */
export async function placeObjects(
  client: KubeClient,
  objects: readonly KubeObject[],
  namespace: string,
): Promise<PlacedObject[]> {
  const placed: PlacedObject[] = [];
  const failures = new Map<string, unknown>();
  for (const object of objects) {
    try {
      placed.push(await placeObject(client, object, namespace));
    } catch (error) {
      if (!isNoMatch(error)) throw error;
      failures.set(unmatched(object, error.message), error);
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return placed;
  const [message, cause] = first;
  throw new Error(others.length === 0 ? message : `[${[...failures.keys()].join(', ')}]`, {
    cause,
  });
}

function unmatched({ metadata: { name, namespace = '' } }: KubeObject, why: string): string {
  const where = `name: ${JSON.stringify(name)} namespace: ${JSON.stringify(namespace)} from ""`;
  return `resource mapping not found for ${where}: ${why}\nensure CRDs are installed first`;
}

/** `apps/v1, Kind=Deployment`, as Go prints a GroupVersionKind. */
export function kindText({ type }: Pick<PlacedObject, 'type'>): string {
  return `${type.group}/${type.version}, Kind=${type.kind}`;
}

/** `<namespace>/<name>`; with an empty namespace for an object of the cluster. */
export function placeText({ object: { metadata } }: Pick<PlacedObject, 'object'>): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** `ConfigMap "web" in namespace "apps"` */
export function resourceText({ object, type }: PlacedObject): string {
  const { namespace = '', name } = object.metadata;
  return `${type.kind} ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)}`;
}

/** The same object in the API server, in whichever version. */
export function isSameObject(a: PlacedObject, b: PlacedObject): boolean {
  return (
    a.type.group === b.type.group &&
    a.type.kind === b.type.kind &&
    a.object.metadata.name === b.object.metadata.name &&
    (a.object.metadata.namespace ?? '') === (b.object.metadata.namespace ?? '')
  );
}
