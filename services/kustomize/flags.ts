import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'default-service-account': {
    help: 'Account of Kustomizations that name none',
    value: 'name',
  },
  'sops-age-secret': {
    help: 'Secret of the runtime namespace with age keys, for Kustomizations whose decryption names no Secret',
    value: 'name',
  },
  'concurrent-ssa': {
    help: 'Requests at a time for one Kustomization',
    value: 'n',
    default: '16',
  },
  'requeue-dependency': {
    help: 'Latest next look at a dependency that is not ready',
    value: 'duration',
    default: '30s',
  },
  'override-manager': {
    help: 'Field managers to take fields over from, with commas',
    value: 'names',
    list: true,
  },
  'custom-apply-stage-kinds': {
    help: '<group>/<kind> of what is applied before the rest, with commas',
    value: 'kinds',
    list: true,
  },
  'interval-jitter-percentage': {
    help: 'By how much intervals vary',
    value: 'percent',
    default: '5',
  },
  'watch-configs-label-selector': {
    help: 'ConfigMaps and Secrets whose changes are followed at once',
    value: 'selector',
    default: 'reconcile.fluxcd.io/watch=Enabled',
  },
  renderers: {
    help: 'Builds that run at a time, at most',
    value: 'n',
    default: 'processors, up to 4',
  },
  'build-timeout': {
    help: 'The longest that a build may take, whatever the timeout of its Kustomization',
    value: 'duration',
    default: '5m',
  },
  'cache-size-mib': { help: 'Size of the artifact cache', value: 'MiB', default: '512' },
  'feature-gates': {
    help: "Flux's feature gates, as Name=true with commas",
    value: 'gates',
    list: true,
  },
};
