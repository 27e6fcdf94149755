// Compares two texts line by line.

/** Unchanged lines that are shown before and after a change. */
const CONTEXT = 3;
/**
 * A change with more cells than this (lines before times lines after) is shown as a whole, because the comparison would
 * take too long.
 */
const MAX_CELLS = 1_000_000;

interface Line {
  sign: ' ' | '+' | '-';
  text: string;
}

/** Lines that begin with `+`, `-` or a blank, and `@@` for lines that are left out; empty for equal texts. */
export function changedLines(before: readonly string[], after: readonly string[]): string[] {
  const lines = compared(before, after);
  const near = new Set<number>();
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue;
    for (let at = index - CONTEXT; at <= index + CONTEXT; at++) near.add(at);
  }
  const shown: string[] = [];
  let last = -1;
  for (const [index, { sign, text }] of lines.entries()) {
    if (!near.has(index)) continue;
    if (index > last + 1) shown.push('@@');
    last = index;
    shown.push(`${sign} ${text}`);
  }
  return shown;
}

function compared(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const longest = Math.min(before.length, after.length) - start;
  while (end < longest && before.at(-1 - end) === after.at(-1 - end)) end++;
  const middle = longestCommon(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  );
  return [
    ...before.slice(0, start).map(same),
    ...middle,
    ...before.slice(before.length - end).map(same),
  ];
}

/** The longest common subsequence of lines. */
function longestCommon(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > MAX_CELLS) {
    return [...before.map(removed), ...after.map(added)];
  }
  const width = after.length + 1;
  /** How many lines are common from these two positions to the ends. */
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, next] = [before[i], after[j]];
    if (old !== undefined && next !== undefined && old === next) {
      lines.push(same(old));
      i++;
      j++;
    } else if (old !== undefined && (next === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(old));
      i++;
    } else if (next !== undefined) {
      lines.push(added(next));
      j++;
    }
  }
  return lines;
}

const same = (text: string): Line => ({ sign: ' ', text });
const added = (text: string): Line => ({ sign: '+', text });
const removed = (text: string): Line => ({ sign: '-', text });
