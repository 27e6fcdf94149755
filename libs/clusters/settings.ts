// The flags about other clusters, with Flux's names and defaults where Flux has them.
import type { InlineRules } from '@weir/kube';
import type { AddressPolicy } from '@weir/net';
import type { Settings } from '@weir/service';

export interface ClusterSettings {
  rules: InlineRules;
  addresses: AddressPolicy;
  /** Connected clusters at the same time. */
  max: number;
}

export function readClusterSettings(settings: Settings): ClusterSettings {
  return {
    rules: {
      exec: settings.boolean('insecure-kubeconfig-exec', false),
      insecureTls: settings.boolean('insecure-kubeconfig-tls', false),
    },
    addresses: { allowLocal: settings.boolean('allow-local-addresses', false) },
    max: settings.number('max-remote-clusters', 400, { min: 1 }),
  };
}
