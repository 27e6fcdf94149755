// A render engine with the limits of a small container, and archives for it.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packArtifact } from '@weir/artifact';
import { type ArtifactFile, createPool, type RenderPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { OUTSIDE, type Tree } from './trees.ts';

/** The memory that all engines together may take, in bytes. */
const ENGINES_BYTES = 400 * 1024 ** 2;

export interface Engine {
  pool: RenderPool;
  /** A folder for files of the target. */
  dir: string;
  /** Runs work with files as an artifact, which is removed afterwards. */
  withArtifact<T>(files: Tree, work: (artifact: ArtifactFile) => Promise<T>): Promise<T>;
  /** The same with bytes that are not packed. */
  withFile<T>(content: Buffer, work: (artifact: ArtifactFile) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The longest that an operation may take, in ms: it fails then, and that is no finding. */
export const TIMEOUT_MS = 5_000;

/** The memory of a process with an engine: the engines' limit, and this process's own. */
export const WITH_ENGINES = { ms: 40_000, bytes: ENGINES_BYTES + 500 * 1024 ** 2 };

export async function openEngine(): Promise<Engine> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-fuzz-'));
  await mkdir(dirname(OUTSIDE.file), { recursive: true });
  await writeFile(OUTSIDE.file, `data: {k: ${OUTSIDE.canary}}\n`);
  process.env.WEIR_FUZZ_CANARY = OUTSIDE.canary;
  const pool = await createPool({
    ...{ size: 1, memoryLimitBytes: ENGINES_BYTES, timeoutMs: TIMEOUT_MS },
    artifactLimitBytes: 4 * 1024 ** 2,
    log: createLogger({ service: 'fuzz', level: 'fatal' }),
  });
  async function using<T>(
    artifact: ArtifactFile,
    work: (artifact: ArtifactFile) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(artifact);
    } finally {
      await rm(artifact.file, { force: true });
    }
  }
  return {
    ...{ pool, dir },
    async withArtifact(files, work) {
      const entries = Object.entries(files).map(([path, text]) => {
        return { path, mode: 0o644, content: Buffer.from(text) };
      });
      return using(await packArtifact(entries, { dir }), work);
    },
    async withFile(content, work) {
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      const file = join(dir, 'input.tar.gz');
      await writeFile(file, content);
      return using({ digest, file }, work);
    },
    async close() {
      await pool.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function gzip(tar: Buffer): Buffer {
  return gzipSync(tar, { level: 1 });
}
