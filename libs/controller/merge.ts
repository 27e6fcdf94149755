import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

/**
 * The JSON merge patch (RFC 7386) that changes `from` into `to`; undefined when both are the same as JSON.
 * Lists are replaced as a whole. `to` must contain no null, because a merge patch uses null for removal.
 */
export function mergeDiff(from: object, to: object): Json | undefined {
  return diff(from as Json, JSON.parse(JSON.stringify(to)) as Json);
}

function diff(from: Json, to: Json): Json | undefined {
  const patch: Json = {};
  for (const key of Object.keys(from)) {
    if (!(key in to)) patch[key] = null;
  }
  for (const [key, wanted] of Object.entries(to)) {
    const had = from[key];
    if (isMap(had) && isMap(wanted)) {
      const inner = diff(had, wanted);
      if (inner) patch[key] = inner;
    } else if (!isDeepStrictEqual(had, wanted)) {
      patch[key] = wanted;
    }
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
