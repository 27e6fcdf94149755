// The flags of the service, with Flux's names and defaults where Flux has them.
import { type ApplySettings, readApplySettings } from '@weir/reconcile';
import type { Settings } from '@weir/service';
import { type Gates, readGates } from './feature-gates.ts';

export interface HelmReleaseSettings extends ApplySettings {
  /** Whether to report which workloads of releases without drift detection somebody deleted. */
  reportDeletedWorkloads: boolean;
  gates: Gates;
}

/** Throws SettingsError; `gateIgnored` is called for feature gates that are accepted and change nothing. */
export function readSettings(
  settings: Settings,
  gateIgnored: (gate: string, why: string) => void = () => undefined,
): HelmReleaseSettings {
  return {
    ...readApplySettings(settings, { concurrent: 16 }),
    reportDeletedWorkloads: settings.boolean('report-deleted-workloads', true),
    gates: readGates(settings.list('feature-gates'), gateIgnored),
  };
}
