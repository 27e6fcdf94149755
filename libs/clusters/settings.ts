// The flags about other clusters, with Flux's names and defaults where Flux has them.
import type { InlineRules } from '@weir/kube';
import type { AddressPolicy } from '@weir/net';
import { isGateOn, type Settings, SettingsError } from '@weir/service';

export interface ClusterSettings {
  rules: InlineRules;
  addresses: AddressPolicy;
  /** Connected clusters at the same time. */
  max: number;
  /** The account for ConfigMaps that name none; empty for the service's own identity. */
  defaultAccount: string;
  /** Whether tenants share the cluster, so that the service's own identity is never used. */
  isShared: boolean;
}

const GATE = 'ObjectLevelWorkloadIdentity';
const DEFAULT_ACCOUNT = 'default-kubeconfig-service-account';

/** Throws SettingsError. */
export function readClusterSettings(settings: Settings): ClusterSettings {
  const defaultAccount = settings.get(DEFAULT_ACCOUNT) ?? '';
  if (defaultAccount !== '' && !isGateOn(settings.list('feature-gates'), GATE)) {
    throw new SettingsError(`--${DEFAULT_ACCOUNT} needs --feature-gates=${GATE}=true`);
  }
  return {
    rules: {
      exec: settings.boolean('insecure-kubeconfig-exec', false),
      insecureTls: settings.boolean('insecure-kubeconfig-tls', false),
    },
    addresses: { allowLocal: settings.boolean('allow-local-addresses', false) },
    max: settings.number('max-remote-clusters', 400, { min: 1 }),
    defaultAccount,
    isShared: (settings.get('default-service-account') ?? '') !== '',
  };
}
