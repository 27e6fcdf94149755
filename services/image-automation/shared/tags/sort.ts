// Sorts many tags without blocking other work: a million at once would take more than a second.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Tags that are sorted or merged at once, which takes about 20 ms. */
const AT_ONCE = 25_000;

/**
 * The tags of all pages as one text, sorted by their bytes, descending.
 * @param pages texts with a space between two tags; most registries give them sorted, ascending
 */
export async function sortTags(pages: readonly string[]): Promise<string> {
  const full = pages.filter((page) => page !== '');
  let runs: string[][] = [];
  for (const page of full) {
    const tags = page.split(' ');
    const last = runs.at(-1);
    // Most lists are in order from beginning to end, page after page.
    if (isAscending(tags) && last !== undefined && (last.at(-1) ?? '') <= (tags[0] ?? '')) {
      for (const tag of tags) last.push(tag);
    } else {
      runs.push(tags.sort());
    }
    if (full.length > 1) await nextTurn();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(await merge(runs[at] ?? [], runs[at + 1] ?? []));
    }
    runs = merged;
  }
  return (runs[0] ?? []).reverse().join(' ');
}

function isAscending(tags: readonly string[]): boolean {
  return tags.every((tag, index) => index === 0 || (tags[index - 1] ?? '') <= tag);
}

async function merge(left: readonly string[], right: readonly string[]): Promise<string[]> {
  if (right.length === 0) return [...left];
  const merged: string[] = [];
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const [one, other] = [left[l], right[r]];
    if (other === undefined || (one !== undefined && one <= other)) {
      merged.push(one ?? '');
      l += 1;
    } else {
      merged.push(other);
      r += 1;
    }
    if (merged.length % AT_ONCE === 0) await nextTurn();
  }
  return merged;
}
