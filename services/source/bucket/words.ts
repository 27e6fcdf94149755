import type { Bucket } from '@weir/api';
import type { SourceWords } from '../shared/source.ts';

/** Flux's messages for Buckets. */
export const words: SourceWords<Bucket> = {
  outdated: (_, revision) => `new upstream revision '${revision}'`,
  stored: ({ revision }) => `stored artifact: revision '${revision}'`,
  storedEvent: ({ spec }) => `stored artifact with files from '${spec.bucketName}' bucket`,
};

/** The message of a run's event, which knows how many objects were fetched. */
export function storedEvent(objects: number, { spec }: Bucket): string {
  return `stored artifact with ${objects} fetched files from '${spec.bucketName}' bucket`;
}
