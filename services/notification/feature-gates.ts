// Flux's feature gates, as far as notification has them. Those of other controllers are for the other services to judge.
import { readFeatureGates } from '@weir/service';

/** Providers may name an account of their namespace, as which a cloud is asked. */
export const OBJECT_LEVEL_IDENTITY = 'ObjectLevelWorkloadIdentity';

/** Whether the gate is on, by `Name=true` items. Throws SettingsError for a value that is neither true nor false. */
export function objectLevelIdentity(items: readonly string[]): boolean {
  const own = items.filter((item) => item.split('=')[0]?.trim() === OBJECT_LEVEL_IDENTITY);
  const rules = {
    defaults: { [OBJECT_LEVEL_IDENTITY]: false },
    withoutEffect: new Map<string, string>(),
    refused: new Map<string, string>(),
  };
  return readFeatureGates(own, rules, () => undefined)[OBJECT_LEVEL_IDENTITY] ?? false;
}
