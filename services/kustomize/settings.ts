// The flags of the service, with Flux's names and defaults where Flux has them.
import { type ApplySettings, readApplySettings } from '@weir/reconcile';
import type { Settings } from '@weir/service';
import { type Gates, readGates } from './feature-gates.ts';

export interface KustomizeSettings extends ApplySettings {
  /** Secret in the runtime namespace with age keys for Kustomizations that name none; empty for none. */
  sopsAgeSecret: string;
  /** ConfigMap in the runtime namespace with the Vaults that accounts may log in to; empty for none. */
  sopsVaultConfigMap: string;
  /** `<group>/<kind>` of objects that are applied after classes and before all others. */
  customStageKinds: ReadonlySet<string>;
  gates: Gates;
}

/** Throws SettingsError; `gateIgnored` is called for feature gates that are accepted and change nothing. */
export function readSettings(
  settings: Settings,
  gateIgnored: (gate: string, why: string) => void = () => undefined,
): KustomizeSettings {
  const customStageKinds = settings
    .list('custom-apply-stage-kinds')
    .map((kind) => (kind.includes('/') ? kind : `/${kind}`));
  return {
    ...readApplySettings(settings, { concurrent: 20 }),
    sopsAgeSecret: settings.get('sops-age-secret') ?? '',
    sopsVaultConfigMap: settings.get('sops-vault-configmap') ?? '',
    customStageKinds: new Set(customStageKinds),
    gates: readGates(settings.list('feature-gates'), gateIgnored),
  };
}

/** The settings that decide what is applied, as JSON: where they differ, results may differ. */
export function resultSettings(settings: KustomizeSettings): object {
  const { gates, overrideManagers, customStageKinds, defaultServiceAccount } = settings;
  return {
    gates,
    overrideManagers,
    customStageKinds: [...customStageKinds],
    defaultServiceAccount,
  };
}
