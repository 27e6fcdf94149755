// The registry of the example's image. It lists tags and takes pushes, and Weir is asked to look after each push, as by the
// webhook of a hosted registry.
import { type ListenOptions, startTagRegistry, type TagRegistry } from '@weir/cluster';

export const IMAGE = 'greeter';
/** The tag that the example repository names. */
const FIRST_TAG = '1.0.0';

export async function serveImages(
  options: ListenOptions & { onPush?: (tag: string) => void } = {},
): Promise<TagRegistry> {
  const { onPush, ...listening } = options;
  const registry = await startTagRegistry({ ...listening, onPush: (_, tag) => onPush?.(tag) });
  registry.put(IMAGE, [FIRST_TAG]);
  return registry;
}

/** Pushes a tag as every client does at the end of a push: by its manifest. */
export async function pushTag({ url }: Pick<TagRegistry, 'url'>, tag: string): Promise<void> {
  const response = await fetch(`${url}/v2/${IMAGE}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    body: '{}',
  });
  if (!response.ok) throw new Error(`the registry answers a push with ${response.status}`);
}
