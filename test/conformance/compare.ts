// Where two snapshots differ, and which of the differences are on purpose.
import { isDeepStrictEqual } from 'node:util';
import type { Json } from './normalize.ts';

export interface Difference {
  /** The keys that lead from the top of the snapshot to the difference, joined by ` > `. */
  path: string;
  /** The values of both sides; undefined where a side has none. */
  flux?: Json;
  weir?: Json;
}

/** The smallest parts that differ. Lists of texts are compared as sets, and `path` then ends with the text. */
export function differences(
  flux: unknown,
  weir: unknown,
  path: readonly string[] = [],
): Difference[] {
  if (isDeepStrictEqual(flux, weir)) return [];
  if (isTexts(flux ?? []) && isTexts(weir ?? []) && !(flux === undefined && weir === undefined)) {
    return setDifferences((flux ?? []) as string[], (weir ?? []) as string[], path);
  }
  if (isRecord(flux) && isRecord(weir)) {
    const keys = [...new Set([...Object.keys(flux), ...Object.keys(weir)])].sort();
    return keys.flatMap((key) => differences(flux[key], weir[key], [...path, key]));
  }
  return [
    {
      path: path.join(' > '),
      ...(flux === undefined ? {} : { flux: flux as Json }),
      ...(weir === undefined ? {} : { weir: weir as Json }),
    },
  ];
}

function setDifferences(flux: string[], weir: string[], path: readonly string[]): Difference[] {
  const at = path.join(' > ');
  return [
    ...flux.filter((text) => !weir.includes(text)).map((text) => ({ path: at, flux: text })),
    ...weir.filter((text) => !flux.includes(text)).map((text) => ({ path: at, weir: text })),
  ];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A difference on purpose. It explains a difference that matches all its fields. */
export interface Rule {
  /** The heading in docs/compatibility.md under which the reason is stated. */
  id: string;
  /** Matches the ids of the fixtures to which the rule has to apply. */
  fixture: RegExp;
  path: RegExp;
  /**
   * Matches the text of a side (its JSON where it is no text), or `absent` where the side has no value. In a set of texts
   * the rule joins one text of each side, and both have to exist.
   */
  flux: RegExp | 'absent';
  weir: RegExp | 'absent';
}

/** Finds for each difference of a snapshot the rule that explains it, if there is one. */
export function explain(
  rules: readonly Rule[],
  fixture: string,
  found: readonly Difference[],
): (Rule | undefined)[] {
  const chosen = rulesFor(rules, fixture);
  return found.map((difference) =>
    chosen.find((rule) => rule.path.test(difference.path) && fits(rule, difference, found)),
  );
}

/** The rules that have to apply to a fixture. */
export function rulesFor(rules: readonly Rule[], fixture: string): Rule[] {
  return rules.filter((rule) => rule.fixture.test(fixture));
}

function fits(rule: Rule, difference: Difference, all: readonly Difference[]): boolean {
  return (['flux', 'weir'] as const).every((side) => {
    const expected = rule[side];
    if (expected === 'absent') return difference[side] === undefined;
    if (difference[side] !== undefined) return matches(expected, difference[side]);
    return all.some(
      (other) =>
        other.path === difference.path &&
        other[side] !== undefined &&
        matches(expected, other[side]),
    );
  });
}

function matches(expected: RegExp, value: Json): boolean {
  return expected.test(typeof value === 'string' ? value : JSON.stringify(value));
}
