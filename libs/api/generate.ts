// Writes charts/weir/crds from the kinds: `npm run generate`. With --check it writes nothing, and fails when a file
// differs from what it would write.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kinds } from './kinds.ts';
import { crdYaml } from './schema/crd.ts';

const FOLDER = join(import.meta.dirname, '../../charts/weir/crds');

const wanted = new Map(kinds.map((kind) => [`${kind.plural}.${kind.group}.yaml`, crdYaml(kind)]));

/** The names of the files that are missing, differ, or should not be there. */
async function differences(): Promise<string[]> {
  await mkdir(FOLDER, { recursive: true });
  const present = await readdir(FOLDER);
  const names = [...new Set([...wanted.keys(), ...present])].sort();
  const same = await Promise.all(
    names.map(async (name) => {
      if (!present.includes(name)) return false;
      return (await readFile(join(FOLDER, name), 'utf8')) === wanted.get(name);
    }),
  );
  return names.filter((_, index) => !same[index]);
}

async function write(name: string): Promise<void> {
  const content = wanted.get(name);
  await (content === undefined ? rm(join(FOLDER, name)) : writeFile(join(FOLDER, name), content));
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const different = await differences();

if (!values.check) {
  await Promise.all(different.map(write));
  console.log(`charts/weir/crds: ${different.length} of ${wanted.size} files written`);
} else if (different.length > 0) {
  console.error(`Out of date in charts/weir/crds: ${different.join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
}
