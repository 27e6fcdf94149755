import type { Bucket } from '@weir/api';
import type { SourceWords } from '../shared/source.ts';

/** What Flux calls things here. */
export const words: SourceWords<Bucket> = {
  outdated: (_, revision) => `new upstream revision '${revision}'`,
  stored: ({ revision }) => `stored artifact: revision '${revision}'`,
  storedEvent: ({ spec }) => `stored artifact with files from '${spec.bucketName}' bucket`,
};

/** The event of a run, which knows how many objects there are. */
export function storedEvent(objects: number, { spec }: Bucket): string {
  return `stored artifact with ${objects} fetched files from '${spec.bucketName}' bucket`;
}
