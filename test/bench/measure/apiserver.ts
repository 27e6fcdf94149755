// A CPU profile of kube-apiserver during a measurement, for `go tool pprof`.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cluster } from '@weir/cluster';

/** The length of the profile in seconds. It covers the beginning of a measurement. */
const SECONDS = 10;

/** Writes a CPU profile of the next ten seconds to the file. Rejects when the API server refuses. */
export async function profileApiserver({ request }: Cluster, file: string): Promise<void> {
  const path = `/debug/pprof/profile?seconds=${SECONDS}`;
  const profile = await request<Buffer>('GET', path, undefined, { bytes: true });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, profile);
}
