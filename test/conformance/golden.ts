// The recorded results of Flux, in one file for each fixture.
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fixture } from './fixture.ts';
import type { Snapshot } from './snapshot.ts';

export const GOLDEN_DIR = join(import.meta.dirname, 'golden');

export interface Golden {
  /** The digest of the fixture that was played. */
  fixture: string;
  /** The snapshots by their labels, in the order in which they were taken. */
  snapshots: Record<string, Snapshot>;
}

export async function writeGolden(
  { id, digest }: Fixture,
  snapshots: Golden['snapshots'],
): Promise<void> {
  const path = pathOf(id);
  await mkdir(dirname(path), { recursive: true });
  const golden: Golden = { fixture: digest, snapshots };
  await writeFile(path, `${JSON.stringify(golden, null, 2)}\n`);
}

/** Reads the recording of a fixture. Throws when there is none, or when it is of an older text of the fixture. */
export async function readGolden({ id, digest }: Fixture): Promise<Golden> {
  const path = pathOf(id);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new Error(`not recorded yet: npm run conformance -- --record ${id}`, { cause });
  });
  const golden = JSON.parse(text) as Golden;
  if (golden.fixture !== digest) {
    throw new Error(`changed since it was recorded: npm run conformance -- --record ${id}`);
  }
  return golden;
}

/** The ids of the fixtures that were recorded. */
export function recordings(): string[] {
  return globSync('*/*.json', { cwd: GOLDEN_DIR }).map((path) => path.slice(0, -5));
}

function pathOf(id: string): string {
  return join(GOLDEN_DIR, `${id}.json`);
}
