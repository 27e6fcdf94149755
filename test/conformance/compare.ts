// Where two snapshots differ, and which of it is meant to.
import { isDeepStrictEqual } from 'node:util';
import type { Json } from './normalize.ts';

export interface Difference {
  /** Keys from the snapshot's top down to where it differs, joined by ` > `. */
  path: string;
  /** Undefined where one side has nothing. */
  flux?: Json;
  weir?: Json;
}

/** The smallest parts that differ. Lists of texts are compared as sets: `path` then names the text. */
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

/** A difference on purpose. It explains a difference that matches all that it says. */
export interface Rule {
  /** Its heading in docs/compatibility.md, where the reason is. */
  id: string;
  /** Of the ids of the fixtures that all meet it in the end. */
  fixture: RegExp;
  path: RegExp;
  /**
   * Of each side's text (JSON where it is none); `absent` where it has nothing. Of two texts of a set, one on
   * each side, both have to be there.
   */
  flux: RegExp | 'absent';
  weir: RegExp | 'absent';
}

/** Of each of a snapshot's differences the rule that explains it, if there is one. */
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

/** The rules that a fixture has to meet. */
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
