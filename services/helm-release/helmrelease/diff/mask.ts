// Masks what only Secrets may hold in a comparison for people: the contents of Secrets in the manifests, and values
// from Secrets wherever a template has put them, plain or in base64.
import type { RenderedObject } from '@weir/render';
import { MASK } from '@weir/telemetry';

/** A shorter value is only masked where it is a whole field, because it is also a part of ordinary words. */
const MIN_PART = 4;

export interface Mask {
  text(text: string): string;
  value(value: unknown): unknown;
  /** Masks the two states of one object. A difference in a Secret still shows as a difference. */
  pair(
    before: RenderedObject | undefined,
    after: RenderedObject | undefined,
  ): [before: unknown, after: unknown];
}

export function createMask(secrets: Iterable<string>): Mask {
  const known = new Set([...secrets].filter((secret) => secret !== ''));
  const parts = [...known]
    .flatMap((secret) => [secret, Buffer.from(secret).toString('base64')])
    .filter(({ length }) => length >= MIN_PART)
    // A value that contains another one is replaced first.
    .sort((a, b) => b.length - a.length);
  const pattern = parts.length === 0 ? undefined : new RegExp(parts.map(escaped).join('|'), 'g');

  const text = (given: string): string => {
    if (known.has(given)) return MASK;
    return pattern === undefined ? given : given.replaceAll(pattern, MASK);
  };
  function value(given: unknown): unknown {
    if (typeof given === 'string') return text(given);
    if (typeof given === 'number') return String(given).length >= MIN_PART ? number(given) : given;
    if (Array.isArray(given)) return given.map(value);
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(
      Object.entries(given).map(([key, inner]) => [text(key), value(inner)]),
    );
  }
  function number(given: number): unknown {
    return known.has(String(given)) ? MASK : given;
  }
  return {
    text,
    value,
    pair(before, after) {
      const hidden = [
        withoutContents(before, after, 'before'),
        withoutContents(after, before, 'after'),
      ];
      return [value(hidden[0]), value(hidden[1])];
    },
  };
}

/** A Secret whose contents only show whether they differ from its other state. */
function withoutContents(
  object: RenderedObject | undefined,
  other: RenderedObject | undefined,
  when: string,
): unknown {
  if (object === undefined || object.kind !== 'Secret' || object.apiVersion !== 'v1') return object;
  const hidden = ['data', 'stringData'].flatMap((field) => {
    const contents = mapAt(object, field);
    const others = mapAt(other, field);
    if (contents === undefined) return [];
    const entries = Object.entries(contents).map(([key, content]): [string, string] => {
      const isSame = others === undefined || !(key in others) || others[key] === content;
      return [key, isSame ? MASK : `${MASK} (${when})`];
    });
    return [[field, Object.fromEntries(entries)]];
  });
  return { ...object, ...Object.fromEntries(hidden) };
}

function mapAt(object: object | undefined, field: string): Record<string, unknown> | undefined {
  const found = (object as Record<string, unknown> | undefined)?.[field];
  return typeof found === 'object' && found !== null
    ? (found as Record<string, unknown>)
    : undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
