// Flux's feature gates, with its names and defaults (kustomize-controller 1.9), for `--feature-gates`.
import { readFeatureGates } from '@weir/service';

const DEFAULTS = {
  /** A dependency with a `readyExpr` has to be ready by the usual rules too. */
  AdditiveCELDependencyCheck: false,
  /**
   * A new artifact of the source, a changed variable or a change of the object itself ends a health check that is under
   * way.
   */
  CancelHealthCheckOnNewRevision: false,
  /** Labelled ConfigMaps and Secrets are not watched. */
  DisableConfigWatchers: false,
  /** A health check goes on until its timeout even when an object has failed for good. */
  DisableFailFastBehavior: false,
  /** Kustomizations may refer to ExternalArtifacts. */
  ExternalArtifact: false,
  /** The log of an apply lists objects by what was done to them, not each with its own entry. */
  GroupChangeLog: false,
  /** Before an apply all entries of managedFields get the version that is applied. */
  MigrateAPIVersion: false,
  /**
   * `spec.decryption.serviceAccountName` is used, and so is the account that a ConfigMap of `spec.kubeConfig` names.
   */
  ObjectLevelWorkloadIdentity: false,
  /**
   * Objects that are deleted stay until those that depend on them, and are being deleted too, are gone. Flux has no
   * such gate.
   */
  OrderedDeletion: false,
  /** A variable without a value and without a default fails the build. */
  StrictPostBuildSubstitutions: true,
};

/** Gates of Flux that change nothing here, with the reason. */
const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ['CacheSecretsAndConfigMaps', 'Secrets and ConfigMaps are read when they are needed'],
  ['DirectSourceFetch', 'sources are known from a watch and from NATS'],
  ['DisableStatusPollerCache', 'health is watched, not polled'],
  ...[
    'AllowDNSLookups',
    'DefaultToRetryOnFailure',
    'DisableChartDigestTracking',
    'UseHelm3Defaults',
  ].map((gate): [string, string] => [gate, 'it is one of HelmReleases']),
]);

export type Gates = Record<keyof typeof DEFAULTS, boolean>;

/** Reads `Name=true` items; throws SettingsError. `ignored` is called for gates that change nothing here. */
export function readGates(
  items: readonly string[],
  ignored: (gate: string, why: string) => void,
): Gates {
  const rules = { defaults: DEFAULTS, withoutEffect: WITHOUT_EFFECT, refused: new Map() };
  return readFeatureGates(items, rules, ignored);
}
