// Runs in a mount namespace of its own with a tiny file system at the folder given: writes artifacts until it is
// full, and prints what that looked like.
import { readdir } from 'node:fs/promises';
import { createCache } from '../cache.ts';
import { digestOf } from '../digest.ts';
import { ArtifactError } from '../errors.ts';

const [, , dir = ''] = process.argv;
const cache = createCache({ dir, maxBytes: 1024 ** 3 });
const written: string[] = [];
for (let i = 0; ; i++) {
  const bytes = Buffer.alloc(20_000, i);
  try {
    await cache.write(digestOf(bytes), bytes);
    written.push(digestOf(bytes));
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    const found = await Promise.all(written.map((digest) => cache.find(digest)));
    const files = await readdir(dir);
    const { reason, transient, message } = error;
    console.log(
      JSON.stringify({ reason, transient, message, written: written.length, found, files }),
    );
    break;
  }
}
