// Flux's feature gates, with its names and defaults (helm-controller 1.6), for `--feature-gates`.
import { readFeatureGates } from '@weir/service';

const DEFAULTS = {
  /** A dependency with a `readyExpr` has to be ready by the usual rules too. */
  AdditiveCELDependencyCheck: false,
  /**
   * Everything that starts a run of a HelmRelease also ends a wait that is under way. Without the gate only changes of
   * its spec and its chart do.
   */
  CancelHealthCheckOnNewRevision: false,
  /** If the spec chooses no strategy, a failed install or upgrade is retried and not remediated. */
  DefaultToRetryOnFailure: false,
  /** The digest of a chart from a registry doesn't become part of its version. */
  DisableChartDigestTracking: false,
  /** Labelled ConfigMaps and Secrets are not watched. */
  DisableConfigWatchers: false,
  /** HelmReleases may refer to ExternalArtifacts. */
  ExternalArtifact: false,
  /** ConfigMaps of `spec.kubeConfig` may name an account to act as. */
  ObjectLevelWorkloadIdentity: false,
  /**
   * Objects that are deleted stay until those that depend on them, and are being deleted too, are gone. Flux has no
   * such gate.
   */
  OrderedDeletion: false,
  /** Installs apply client-side unless the spec says otherwise, and waits follow the rules of Helm 3. */
  UseHelm3Defaults: false,
};

/** Gates of Flux that change nothing here, with the reason. */
const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ['AdoptLegacyReleases', 'v2beta1 is not served'],
  ['CacheSecretsAndConfigMaps', 'Secrets and ConfigMaps are read when they are needed'],
  ['CorrectDrift', 'spec.driftDetection decides'],
  ['DetectDrift', 'spec.driftDetection decides'],
  ['DirectSourceFetch', 'sources are known from a watch and from NATS'],
  ['OOMWatch', 'each render has a limit of its own'],
  ...[
    'DisableFailFastBehavior',
    'DisableStatusPollerCache',
    'GroupChangeLog',
    'MigrateAPIVersion',
    'StrictPostBuildSubstitutions',
  ].map((gate): [string, string] => [gate, 'it is one of Kustomizations']),
]);

/** Gates of Flux whose behaviour does not exist here. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['AllowDNSLookups', 'is not supported: what renders charts has no network'],
]);

export type Gates = Record<keyof typeof DEFAULTS, boolean>;

/** Reads `Name=true` items; throws SettingsError. `ignored` is called for gates that change nothing here. */
export function readGates(
  items: readonly string[],
  ignored: (gate: string, why: string) => void,
): Gates {
  const rules = { defaults: DEFAULTS, withoutEffect: WITHOUT_EFFECT, refused: REFUSED };
  return readFeatureGates(items, rules, ignored);
}
