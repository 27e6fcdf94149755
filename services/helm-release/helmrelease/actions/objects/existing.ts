// Which objects of a release are there before it is applied: Helm takes them over, or refuses to.
import type { PlacedObject } from '@weir/apply';
import { mapBounded } from '@weir/async';
import { isNotFound, type KubeClient, type KubeObject } from '@weir/kube';
import { inStep } from '../action-run.ts';
import { type ReleaseName, requireOwnership } from './ownership.ts';
import { resourceText } from './place.ts';

export interface ExistingOptions {
  /** The release that the objects have to belong to already; undefined to take over any. */
  ownedBy?: ReleaseName | undefined;
  /** Metadata suffices, as for server-side apply. */
  metadataOnly: boolean;
  concurrency: number;
  signal: AbortSignal;
}

/** What was asked for, with the object as it is there; undefined where it isn't. */
export type LiveObjects = Map<PlacedObject, KubeObject | undefined>;

/**
 * Reads the objects that are there already. Rejects, in Helm's words, for one that can't be read, and for one that belongs
 * to somebody else.
 */
export async function existingObjects(
  client: KubeClient,
  wanted: readonly PlacedObject[],
  options: ExistingOptions,
): Promise<LiveObjects> {
  const found = await mapBounded(wanted, options.concurrency, async (placed) => {
    const live = await inStep(
      `could not get information about the resource ${resourceText(placed)}`,
      readObject(client, placed, options),
    );
    if (live !== undefined && options.ownedBy !== undefined) {
      requireOwnership(placed, live, options.ownedBy);
    }
    return live;
  });
  return new Map(wanted.map((placed, index) => [placed, found[index]]));
}

/** Those that are there. */
export function foundObjects(live: LiveObjects): PlacedObject[] {
  return [...live].flatMap(([placed, object]) => (object === undefined ? [] : [placed]));
}

/** The object as it is there; undefined when it isn't, or when its name is yet to be generated. */
export async function readObject(
  client: KubeClient,
  { object, type }: PlacedObject,
  { metadataOnly, signal }: { metadataOnly: boolean; signal: AbortSignal },
): Promise<KubeObject | undefined> {
  if (!object.metadata.name) return undefined;
  try {
    return await client.get(type, object.metadata, { metadataOnly, signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
