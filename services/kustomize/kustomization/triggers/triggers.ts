// What makes a Kustomization run besides its own changes and its interval: artifacts, drift, dependencies, variables, and new
// kinds.
import { connectApplyTriggers } from '@weir/reconcile';
import { inputSources } from '../build/inputs.ts';
import { onArtifacts } from './artifacts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Subscribes to everything that may start a run, for the controller's queue; returns a function that ends that. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { env, controller, log } = options;
  const configs = { usedBy: inputSources, cause: 'variables' };
  const stops = [
    onArtifacts(options),
    onDrift(options),
    connectApplyTriggers({ ...env, informer: env.kustomizations, configs, controller, log }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
