// The comments that mark a value, and the values that policies give them.

/** What a policy chose: `status.latestRef` of an ImagePolicy. */
export interface ImageRef {
  name: string;
  tag: string;
  digest?: string;
}

const KEY = '$imagepolicy';
/** Every file with a marker has these bytes of UTF-8. */
export const TOKEN = Buffer.from(`"${KEY}"`);

/**
 * The setter that a comment names, such as `apps:web:tag`. As in Flux the comment is a JSON object of strings with this
 * key, and nothing else follows the object.
 * @param comment without the `#` that begins it
 */
export function setterOf(comment: string): string | undefined {
  const text = comment.replace(/^#+/, '').trim();
  if (!text.startsWith('{') || !text.includes(KEY)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Any other comment is no marker.
    return undefined;
  }
  const fields = parsed as Record<string, unknown>;
  const areTexts = Object.values(fields).every((it) => typeof it === 'string' || it === null);
  const setter = fields[KEY];
  return areTexts && typeof setter === 'string' && setter !== '' ? setter : undefined;
}

/** Returns the value of a setter; undefined for one without a policy. `old` is the present value. */
export type SetterValues = (setter: string, old: string) => string | undefined;

/**
 * The values of setters for the policies of one namespace.
 * @param policies the choice of each, by its name
 */
export function setterValues(
  namespace: string,
  policies: ReadonlyMap<string, ImageRef>,
): SetterValues {
  return (setter, old) => {
    const [ofNamespace, name = '', part, ...rest] = setter.split(':');
    const ref = ofNamespace === namespace && rest.length === 0 ? policies.get(name) : undefined;
    return ref && partOf(ref, part, old);
  };
}

function partOf(
  { name, tag, digest }: ImageRef,
  part: string | undefined,
  old: string,
): string | undefined {
  const atDigest = digest ? `@${digest}` : '';
  if (part === undefined) return `${name}:${tag}${atDigest}`;
  if (part === 'tag') return tag;
  if (part === 'name') return name;
  if (part === 'digest') return digest ?? '';
  if (part !== 'tagAndDigest') return undefined;
  // If the policy has no digest, the one that somebody wrote for the same tag stays.
  return atDigest === '' && old.startsWith(`${tag}@`) ? old : `${tag}${atDigest}`;
}
