// The table in a pull request: which images change, and to what.
import type { TemplateImage } from '@weir/render';
import type { ChangedFile } from './change.ts';
import type { ImageRef } from './setters/marker.ts';

/** A row for each policy that changes something, in the order of their names. */
export function changedImages(
  files: readonly ChangedFile[],
  chosen: ReadonlyMap<string, ImageRef>,
): TemplateImage[] {
  const old = new Map<string, Set<string>>();
  for (const { changes } of files) {
    for (const { setter, oldValue } of changes) {
      const [, policy = '', part] = setter.split(':');
      const tags = old.get(policy) ?? new Set<string>();
      old.set(policy, tags);
      const tag = tagOf(oldValue, part);
      if (tag !== '') tags.add(tag);
    }
  }
  return [...old]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([policy, tags]) => {
      const { name = '', tag = '', digest = '' } = chosen.get(policy) ?? {};
      return { image: name, old: [...tags].sort().join(', '), new: tag, policy, digest };
    });
}

/** The tag in a value with a marker of this kind; empty for names and digests. */
function tagOf(value: string, part: string | undefined): string {
  if (part === 'tag') return value;
  if (part === 'tagAndDigest') return value.split('@')[0] ?? '';
  if (part !== undefined) return '';
  const name = value.split('@')[0] ?? '';
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(colon + 1) : '';
}
