// Flux's image-reflector-controller, alone: it scans images as Weir's image-automation does.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTool, freePort } from '@weir/cluster';
import { runProgram } from '@weir/conformance/process';
import type { Environment } from '../environment.ts';
import type { RunningSystem } from '../system.ts';
import { startParts } from './parts.ts';

const CONTROLLER = 'image-reflector-controller';

/** With its default flags. */
export async function startImageReflector({ cluster, dir }: Environment): Promise<RunningSystem> {
  const [healthPort = 0, metricsPort = 0] = await Promise.all([freePort(), freePort()]);
  const storage = join(dir, CONTROLLER);
  await mkdir(storage, { recursive: true });
  const command = await buildTool(CONTROLLER);
  return startParts({
    [CONTROLLER]: () =>
      runProgram({
        name: CONTROLLER,
        command,
        args: [
          '--watch-all-namespaces',
          '--log-level=info',
          `--storage-path=${storage}`,
          `--metrics-addr=127.0.0.1:${metricsPort}`,
          `--health-addr=127.0.0.1:${healthPort}`,
        ],
        env: { KUBECONFIG: cluster.kubeconfig, RUNTIME_NAMESPACE: 'flux-system' },
        healthPort,
        log: join(dir, `${CONTROLLER}.log`),
      }),
  });
}
