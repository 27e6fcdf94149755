/** One place of a pattern: any text, any character, one of a set, or a character itself. */
type Part =
  | { kind: 'any-text' }
  | { kind: 'any' }
  | { kind: 'set'; negated: boolean; ranges: [number, number][] }
  | { kind: 'character'; code: number };

/**
 * Whether a text matches a pattern with `*`, `?` and `[a-z]` as a whole (the rules of Go's `filepath.Match`, which
 * Kubernetes uses). A malformed pattern matches nothing. It takes at most pattern times text steps, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = parse(pattern);
  if (parts === undefined) return false;
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  let part = 0;
  let at = 0;
  // The position of the last `*`, and how much of the text it has matched so far.
  let star = -1;
  let taken = 0;
  while (at < codes.length) {
    const current = parts[part];
    if (current?.kind === 'any-text') {
      star = part++;
      taken = at;
    } else if (current !== undefined && matches(current, codes[at] ?? 0)) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  return parts.slice(part).every(({ kind }) => kind === 'any-text');
}

function matches(part: Part, code: number): boolean {
  if (part.kind === 'any') return true;
  if (part.kind === 'character') return part.code === code;
  if (part.kind !== 'set') return false;
  return part.ranges.some(([from, to]) => from <= code && code <= to) !== part.negated;
}

function parse(pattern: string): Part[] | undefined {
  const characters = Array.from(pattern);
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') parts.push({ kind: 'any-text' });
    else if (character === '?') parts.push({ kind: 'any' });
    else if (character === '[') {
      const end = characters.indexOf(']', at + 2);
      if (end < 0) return undefined;
      parts.push(parseSet(characters.slice(at + 1, end)));
      at = end;
    } else {
      const escaped = character === '\\' ? characters[++at] : character;
      if (escaped === undefined) return undefined;
      parts.push({ kind: 'character', code: escaped.codePointAt(0) ?? 0 });
    }
  }
  return parts;
}

function parseSet(characters: string[]): Part {
  const negated = characters[0] === '^';
  const members = negated ? characters.slice(1) : characters;
  const ranges: [number, number][] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at]?.codePointAt(0) ?? 0;
    const isRange = members[at + 1] === '-' && members[at + 2] !== undefined;
    const to = isRange ? (members[at + 2]?.codePointAt(0) ?? 0) : from;
    ranges.push([from, to]);
    if (isRange) at += 2;
  }
  return { kind: 'set', negated, ranges };
}
