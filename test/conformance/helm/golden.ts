// The recorded results of Flux's helm-controller, in one file for each fixture.
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ShortSnapshot, Snapshot } from './snapshot.ts';

const FOLDER = join(import.meta.dirname, 'golden');

/** The snapshot at the end, and those in between by their labels. */
export type Golden = Snapshot & { marks?: Record<string, ShortSnapshot> };

export async function readGolden(name: string): Promise<Golden> {
  const text = await readFile(join(FOLDER, `${name}.json`), 'utf8').catch((cause) => {
    throw new Error(`not recorded yet: npm run conformance:helm -- --record ${name}`, { cause });
  });
  return JSON.parse(text) as Golden;
}

export async function writeGolden(name: string, golden: Golden): Promise<void> {
  await writeFile(join(FOLDER, `${name}.json`), `${JSON.stringify(sorted(golden), null, 1)}\n`);
}

/** The names of recordings. */
export function recordings(): string[] {
  return globSync('*.json', { cwd: FOLDER }).map((path) => basename(path, '.json'));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
