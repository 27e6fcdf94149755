// Where kube-apiserver spends its time while something is measured: a profile for `go tool pprof`.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cluster } from '@weir/cluster';

/** What the profile covers: the start of what is measured, seconds. */
const SECONDS = 10;

/** Writes a CPU profile of the next ten seconds. Rejects when the API server answers with anything else. */
export async function profileApiserver({ request }: Cluster, file: string): Promise<void> {
  const path = `/debug/pprof/profile?seconds=${SECONDS}`;
  const profile = await request<Buffer>('GET', path, undefined, { bytes: true });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, profile);
}
