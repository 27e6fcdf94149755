// The two systems that fixtures of HelmReleases are played against.
import {
  asArguments,
  type FluxOptions,
  type SystemName,
  type SystemOptions,
  startController,
  startSourceController,
  startWeir,
} from '../systems.ts';

/** Starts a system. When it is ready, resolves with a function that stops it. */
export async function startHelmSystem(
  name: SystemName,
  options: SystemOptions,
): Promise<() => Promise<void>> {
  if (name === 'weir') return startWeir(options, ['source', 'helm-release']);
  const stopSource = await startSourceController(options);
  const stopHelm = await startHelmController(options);
  return async () => void (await Promise.all([stopHelm(), stopSource()]));
}

/** Starts Flux's helm-controller. When it is ready, resolves with a function that stops it. */
export function startHelmController(options: FluxOptions): Promise<() => Promise<void>> {
  // A reconcile of helm-controller waits for health, so each fixture needs workers of its own.
  const own = [
    ...['--concurrent=60', '--interval-jitter-percentage=0', '--kube-api-qps=-1'],
    ...asArguments(options.flags),
  ];
  return startController('helm-controller', options, own);
}
