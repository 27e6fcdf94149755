import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

/**
 * The JSON merge patch (RFC 7386) that makes `to` of `from`; undefined when they are the same as JSON.
 * Lists are replaced whole. `to` must hold no nulls, which a merge patch can't express.
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
