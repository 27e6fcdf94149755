// Answers from memory what Helm's storage holds: the versions that exist (from the watch), and the contents of those
// that were read before. The watch has the rights of the service. So a reader with the service's rights is answered at
// once, and a reader with an account only about a release whose versions that account has listed itself.
import { createBoundedMap } from '@weir/async';
import type { KubeClient, KubeObject, ObjectList } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { VersionLabels } from './secret.ts';
import { type StorageWatch, watchStorage } from './storage-watch.ts';
import type { StoredRelease } from './types.ts';

export interface KnownStorage extends Pick<StorageWatch, 'observe' | 'forget' | 'close'> {
  /** The versions of a release, the highest first; undefined when the API server has to be asked. */
  versions(place: StoragePlace): VersionLabels[] | undefined;
  /** Records a list of all versions that the reader was just allowed to make. */
  listed(place: StoragePlace, list: ObjectList<KubeObject>): void;
  /** Records that the reader may no longer list the versions. */
  refused(place: StoragePlace): void;
  /** The present contents of a version, if the reader may know them and they were read before. */
  summary(place: StoragePlace, version: number, ociDigest?: string): StoredRelease | undefined;
  put(place: StoragePlace, release: StoredRelease, facts: SummaryFacts): void;
}

export interface StoragePlace {
  /** Namespace of the Secrets. */
  namespace: string;
  /** Name of the release. */
  name: string;
  /** The HelmRelease and the account that it acts as; undefined for the service's own rights. */
  reader: string | undefined;
}

/** What a summary depends on besides the release. */
export interface SummaryFacts {
  resourceVersion: string;
  ociDigest: string | undefined;
}

/** For a reader that watches nothing: every question goes to the API server. */
export const NOTHING_KNOWN: Omit<KnownStorage, 'close'> = {
  versions: () => undefined,
  listed: () => undefined,
  refused: () => undefined,
  summary: () => undefined,
  put: () => undefined,
  observe: () => undefined,
  forget: () => undefined,
};

/** Enough for about 5,000 releases of two versions each, at about 1.5 kB. */
const MAX_SUMMARIES = 10_000;
const MAX_READERS = 20_000;

export function createKnownStorage(options: { client: KubeClient; log: Logger }): KnownStorage {
  const watch = watchStorage(options.client, options.log);
  const readers = createBoundedMap<string, true>({ max: MAX_READERS });
  const summaries = createBoundedMap<string, StoredRelease & SummaryFacts>({ max: MAX_SUMMARIES });
  const mayKnow = (place: StoragePlace) =>
    place.reader === undefined || readers.get(placeKey(place)) === true;
  const versions = (place: StoragePlace) =>
    mayKnow(place) ? watch.versions(place.namespace, place.name) : undefined;

  return {
    versions,
    listed(place, list) {
      readers.set(placeKey(place), true);
      watch.listed(place, list);
    },
    refused: (place) => readers.delete(placeKey(place)),
    summary(place, version, ociDigest) {
      const now = versions(place)?.find((one) => one.version === version);
      const known = now && summaries.get(versionKey(place, version));
      const isCurrent =
        known?.resourceVersion === now?.resourceVersion && known?.ociDigest === ociDigest;
      return isCurrent ? known : undefined;
    },
    put: (place, release, facts) =>
      summaries.set(versionKey(place, release.version), { ...release, ...facts }),
    observe: watch.observe,
    forget: watch.forget,
    close: watch.close,
  };
}

function placeKey({ namespace, name, reader }: StoragePlace): string {
  return `${namespace}/${name} ${reader}`;
}

function versionKey({ namespace, name }: StoragePlace, version: number): string {
  return `${namespace}/${name}/${version}`;
}
