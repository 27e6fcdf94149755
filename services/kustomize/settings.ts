// The flags of the service, with Flux's names and defaults where Flux has them.
import { WATCH_ENABLED, WATCH_LABEL } from '@weir/api';
import { reachableAt } from '@weir/artifact';
import { type ClusterSettings, readClusterSettings } from '@weir/clusters';
import { engineMemoryBytes, type Settings } from '@weir/service';
import { type Gates, readGates } from './feature-gates.ts';

export interface KustomizeSettings {
  /** Reconciles at once; those that wait for health don't count. */
  concurrent: number;
  /** Requests of one apply at once. */
  concurrentSsa: number;
  /** When a dependency is looked at again that did not change in the meantime. Milliseconds. */
  requeueDependencyMs: number;
  noCrossNamespaceRefs: boolean;
  /** ServiceAccount to act as where a Kustomization names none; empty for the service's own rights. */
  defaultServiceAccount: string;
  /** Secret in the runtime namespace with age keys for Kustomizations that name none; empty for none. */
  sopsAgeSecret: string;
  /** ConfigMap in the runtime namespace with the Vaults that accounts may log in to; empty for none. */
  sopsVaultConfigMap: string;
  /** Field managers to take over from, beside kubectl's. */
  overrideManagers: string[];
  /** `<group>/<kind>` of what is applied after classes and before the rest. */
  customStageKinds: ReadonlySet<string>;
  /** Share of an interval by which a reconcile may come earlier or later. */
  jitter: number;
  /** The shortest interval that counts, in ms. */
  minIntervalMs: number;
  /** Which ConfigMaps and Secrets are watched for the variables in them. */
  watchedConfigs: string;
  gates: Gates;
  /** How much of the artifacts is kept between builds. */
  cacheBytes: number;
  renderers: number | undefined;
  /** What is fetched of an artifact at most, in bytes of its tar.gz. */
  maxArtifactBytes: number;
  /** Whether artifacts are fetched from loopback and link-local addresses. */
  allowLocalAddresses: boolean;
  /** Where source serves artifacts: fetched from whatever its address. */
  artifactUrl: string;
  /** What the render engines may take together; undefined for what suits the container. */
  engineMemoryBytes: number | undefined;
  /** The longest that a build may take, whatever the timeout of its Kustomization. Milliseconds. */
  buildTimeoutMs: number;
  /** About other clusters. */
  clusters: ClusterSettings;
}

const MIB = 1024 ** 2;

/** Throws SettingsError; `gateIgnored` is called for feature gates that are accepted and change nothing. */
export function readSettings(
  settings: Settings,
  gateIgnored: (gate: string, why: string) => void = () => undefined,
): KustomizeSettings {
  const renderers = settings.number('renderers', 0, { min: 0 });
  return {
    concurrent: settings.number('concurrent', 20, { min: 1 }),
    concurrentSsa: settings.number('concurrent-ssa', 16, { min: 1 }),
    requeueDependencyMs: settings.duration('requeue-dependency', 30_000),
    noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
    defaultServiceAccount: settings.get('default-service-account') ?? '',
    sopsAgeSecret: settings.get('sops-age-secret') ?? '',
    sopsVaultConfigMap: settings.get('sops-vault-configmap') ?? '',
    overrideManagers: settings.list('override-manager'),
    customStageKinds: new Set(
      settings
        .list('custom-apply-stage-kinds')
        .map((kind) => (kind.includes('/') ? kind : `/${kind}`)),
    ),
    jitter: settings.number('interval-jitter-percentage', 5, { min: 0, max: 100 }) / 100,
    minIntervalMs: settings.duration('min-interval', 1_000),
    watchedConfigs:
      settings.get('watch-configs-label-selector') ?? `${WATCH_LABEL}=${WATCH_ENABLED}`,
    gates: readGates(settings.list('feature-gates'), gateIgnored),
    cacheBytes: settings.number('cache-size-mib', 512, { min: 0 }) * MIB,
    renderers: renderers > 0 ? renderers : undefined,
    maxArtifactBytes: settings.number('artifact-max-packed-bytes', 128 * MIB, { min: 1 }),
    allowLocalAddresses: settings.boolean('allow-local-addresses', false),
    artifactUrl: reachableAt(
      settings.get('artifact-address') ?? 'localhost',
      settings.port('artifact-port', 9790),
    ),
    engineMemoryBytes: engineMemoryBytes(settings),
    buildTimeoutMs: settings.duration('build-timeout', 300_000),
    clusters: readClusterSettings(settings),
  };
}

/** The settings that decide what is applied, as JSON can hold them: where they differ, so may the result. */
export function resultSettings(settings: KustomizeSettings): object {
  const { gates, overrideManagers, customStageKinds, defaultServiceAccount } = settings;
  return {
    gates,
    overrideManagers,
    customStageKinds: [...customStageKinds],
    defaultServiceAccount,
  };
}
