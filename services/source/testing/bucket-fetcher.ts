// What lists and fetches buckets, without a control plane: its store is a folder.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactStore } from '@weir/artifact';
import { createDiskStore } from '@weir/artifact/testing';
import { S3_KEYS } from '@weir/cluster';
import { createPool } from '@weir/render';
import { createLogger, createTracing } from '@weir/telemetry';
import { createFetcher, type Fetcher, type Wanted } from '../bucket/fetch.ts';
import { openedWith } from '../bucket/s3.ts';
import type { ContentLimits } from '../shared/limits.ts';

export interface BucketFetcher extends Fetcher {
  store: Fetcher['store'];
  artifacts: ArtifactStore;
  /** What is left in the folder of objects that are being fetched. */
  leftovers(): Promise<string[]>;
  wanted(endpoint: string, bucket: string, options?: Partial<Wanted>): Wanted;
  close(): Promise<void>;
}

export async function startBucketFetcher(
  limits: Partial<ContentLimits> = {},
  endpoints: Record<string, string> = {},
): Promise<BucketFetcher> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-bucket-'));
  const log = createLogger({ service: 'test', level: 'fatal' });
  const pool = await createPool({ size: 1, log });
  const stopping = new AbortController();
  const artifactDir = join(dir, 'artifacts');
  const artifacts = createDiskStore(artifactDir);
  const own = join(dir, 'objects');
  const fetcher = createFetcher({
    ...{ artifacts, artifactDir, pool, dir: own, signal: stopping.signal },
    limits: {
      ...{ maxFiles: 100_000, maxBytes: 512 * 1024 ** 2, maxPackedBytes: 128 * 1024 ** 2 },
      ...limits,
    },
    network: { allowLocal: true, environment: {}, endpoints },
    tracing: createTracing({ service: 'test' }),
  });
  return {
    ...fetcher,
    artifacts,
    leftovers: () => readdir(own).catch(() => []),
    wanted: (endpoint, bucket, options = {}) => ({
      tenant: 'tenant',
      remote: openedWith({
        ...{ endpoint, bucket, insecure: true },
        credentials: { accessKeyId: S3_KEYS.accesskey, secretAccessKey: S3_KEYS.secretkey },
      }),
      prefix: '',
      ignore: undefined,
      timeoutMs: 20_000,
      ...options,
    }),
    async close() {
      stopping.abort();
      await pool.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
