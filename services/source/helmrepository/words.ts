import type { HelmRepository } from '@weir/api';
import { maskUrl } from '@weir/telemetry';
import type { SourceWords } from '../shared/source.ts';

/** The file name of the newest index of an object, as in Flux. */
export const LATEST_FILE = 'index.yaml';

/** Flux's messages for HelmRepositories. */
export const words: SourceWords<HelmRepository> = {
  outdated: (_, revision) => `new index revision '${revision}'`,
  stored: ({ revision }) => `stored artifact: revision '${revision}'`,
  storedEvent: ({ spec, status }) =>
    `stored fetched index of size ${formatSize(status?.artifact?.size ?? 0)} from '${maskUrl(spec.url)}'`,
};

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** Bytes with four digits and decimal units, as Flux writes them. */
export function formatSize(bytes: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return `${Number((bytes / 1000 ** step).toPrecision(4))}${UNITS[step]}`;
}
