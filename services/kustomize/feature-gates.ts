// Flux's feature gates, with its names and defaults (kustomize-controller 1.9), for `--feature-gates`.
import { SettingsError } from '@weir/service';

const DEFAULTS = {
  /** A dependency with a `readyExpr` has to be ready by the usual rules too. */
  AdditiveCELDependencyCheck: false,
  /** News of a source, a watched variable or the object itself ends a health check that is under way. */
  CancelHealthCheckOnNewRevision: false,
  /** Labelled ConfigMaps and Secrets are not watched. */
  DisableConfigWatchers: false,
  /** A health check goes on until its time is over, also when an object has failed for good. */
  DisableFailFastBehavior: false,
  /** Kustomizations may refer to ExternalArtifacts. */
  ExternalArtifact: false,
  /** The log of an apply lists objects by what was done to them, not each with its own entry. */
  GroupChangeLog: false,
  /** Before an apply all entries of managedFields get the version that is applied. */
  MigrateAPIVersion: false,
  /** A variable without a value and without a default fails the build. */
  StrictPostBuildSubstitutions: true,
};

/** Gates of Flux that change nothing here, with the reason. */
const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ['ObjectLevelWorkloadIdentity', 'there is nothing to turn off yet'],
  ['CacheSecretsAndConfigMaps', 'Secrets and ConfigMaps are read when they are needed'],
  ['DirectSourceFetch', 'sources are known from a watch and from NATS'],
  ['DisableStatusPollerCache', 'health is watched, not polled'],
]);

/** A gate of Flux whose behaviour does not exist yet. */
const LATER = 'ObjectLevelWorkloadIdentity';

export type Gates = Record<keyof typeof DEFAULTS, boolean>;

/**
 * Reads `Name=true` items. Throws a SettingsError that names the gate for an unknown one and for a value
 * that is neither true nor false. Gates that change nothing here are accepted in either state, and
 * `ignored` is called for them.
 */
export function readGates(
  items: readonly string[],
  ignored: (gate: string, why: string) => void,
): Gates {
  const gates: Gates = { ...DEFAULTS };
  for (const item of items) {
    const [name = '', value = ''] = item.split('=', 2).map((part) => part.trim());
    const enabled = toBoolean(value);
    if (enabled === undefined) {
      throw new SettingsError(`--feature-gates: ${item} has to be ${name}=true or ${name}=false`);
    }
    if (name === LATER && enabled) {
      throw new SettingsError(`--feature-gates: ${name} is not supported yet`);
    }
    const without = WITHOUT_EFFECT.get(name);
    if (without !== undefined) ignored(name, without);
    else if (isGate(name)) gates[name] = enabled;
    else throw new SettingsError(`--feature-gates: feature-gate '${name}' not supported`);
  }
  return gates;
}

function isGate(name: string): name is keyof Gates {
  return Object.hasOwn(DEFAULTS, name);
}

/** As Go's strconv.ParseBool, which Flux reads them with. */
function toBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  return undefined;
}
