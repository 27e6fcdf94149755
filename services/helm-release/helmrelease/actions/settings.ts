// What the spec says about each action, with Flux's defaults (helm-controller, internal/action).
import type { HelmRelease } from '@weir/api';
import type { ActionOptions } from './types.ts';

/** How an action waits: `none` leaves out everything but hooks, `legacy` goes by the rules of Helm 3. */
export type WaitMode = 'none' | 'poller' | 'legacy';

export interface WaitSettings {
  mode: WaitMode;
  /** Jobs have to be done, and not only begun. */
  jobs: boolean;
}

export type CrdPolicy = 'Skip' | 'Create' | 'CreateReplace';

/** How much is kept in storage unless the spec says otherwise. */
const MAX_HISTORY = 5;

type Spec = HelmRelease['spec'];

export function waitSettings(
  { spec }: HelmRelease,
  action: { disableWait?: boolean; disableWaitForJobs?: boolean } | undefined,
  { helm3Defaults }: ActionOptions,
): WaitSettings {
  const strategy = spec.waitStrategy?.name ?? (helm3Defaults ? 'legacy' : 'poller');
  return {
    mode: action?.disableWait ? 'none' : strategy,
    jobs: !action?.disableWaitForJobs,
  };
}

export function crdPolicy(action: Spec['install'] | Spec['upgrade']): CrdPolicy {
  return action?.crds ?? 'Create';
}

/** Whether an install applies on the side of the server. */
export function installsServerSide({ spec }: HelmRelease, { helm3Defaults }: ActionOptions) {
  return spec.install?.serverSideApply ?? !helm3Defaults;
}

/** The same for upgrade and rollback; `auto` goes on as the release was applied that they start from. */
export function updatesServerSide(
  mode: 'enabled' | 'disabled' | 'auto' | undefined,
  applyMethod: '' | 'ssa' | 'csa',
): boolean {
  if (mode === 'enabled' || mode === 'disabled') return mode === 'enabled';
  return applyMethod === 'ssa';
}

/** How many versions storage holds at most, the new one included; undefined for no limit. */
export function maxHistory({ spec }: HelmRelease): number | undefined {
  const max = spec.maxHistory ?? MAX_HISTORY;
  return max > 0 ? max : undefined;
}

/** The post-render request of the engine, which Flux makes for every release. */
export function postRender({ metadata, spec }: HelmRelease, { helm3Defaults }: ActionOptions) {
  const { name, namespace = '' } = metadata;
  return {
    strategy: spec.postRenderStrategy ?? (helm3Defaults ? 'nohooks' : 'combined'),
    renderers: spec.postRenderers?.flatMap(({ kustomize }) => kustomize ?? []),
    commonMetadata: spec.commonMetadata,
    origin: { name, namespace },
  } as const;
}
