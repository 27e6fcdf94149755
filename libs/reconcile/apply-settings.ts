// The flags of services that apply objects, with Flux's names and defaults where Flux has them.
import { WATCH_ENABLED, WATCH_LABEL } from '@weir/api';
import { reachableAt } from '@weir/artifact';
import { type ClusterSettings, readClusterSettings } from '@weir/clusters';
import { engineMemoryBytes, type Settings } from '@weir/service';

export interface ApplySettings {
  /** Reconciles at a time, without those that wait for health, hooks or tests. */
  concurrent: number;
  /** Requests of one apply at a time. */
  concurrentSsa: number;
  /** The time after which a dependency or source is checked again when no event about it came. Milliseconds. */
  requeueDependencyMs: number;
  noCrossNamespaceRefs: boolean;
  /** ServiceAccount to act as when an object names none; empty for the service's own rights. */
  defaultServiceAccount: string;
  /** Other field managers whose fields count as applied by Weir. */
  overrideManagers: string[];
  /** Share of an interval by which a reconcile may come earlier or later. */
  jitter: number;
  /** The shortest interval, in ms; shorter ones of objects are raised to it. */
  minIntervalMs: number;
  /** Which ConfigMaps and Secrets with variables and values are watched: a label selector. */
  watchedConfigs: string;
  /** How much of the artifacts is kept on disk. */
  cacheBytes: number;
  renderers: number | undefined;
  /** The largest archive of an artifact that is fetched, in bytes. */
  maxArtifactBytes: number;
  /** Whether artifacts are fetched from loopback and link-local addresses. */
  allowLocalAddresses: boolean;
  /** URL of the service source's artifact server, whose address is always allowed. */
  artifactUrl: string;
  /** Memory that the render engines may take together, in bytes; undefined for the default. */
  engineMemoryBytes: number | undefined;
  /** The time limit for fetching and building an artifact, whatever the timeout of its object. Milliseconds. */
  buildTimeoutMs: number;
  /** Settings for other clusters. */
  clusters: ClusterSettings;
}

const MIB = 1024 ** 2;

/** Throws SettingsError. `concurrent` is the default of that flag, which differs between the services. */
export function readApplySettings(
  settings: Settings,
  { concurrent }: { concurrent: number },
): ApplySettings {
  const renderers = settings.number('renderers', 0, { min: 0 });
  return {
    concurrent: settings.number('concurrent', concurrent, { min: 1 }),
    concurrentSsa: settings.number('concurrent-ssa', 16, { min: 1 }),
    requeueDependencyMs: settings.duration('requeue-dependency', 30_000),
    noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
    defaultServiceAccount: settings.get('default-service-account') ?? '',
    overrideManagers: settings.list('override-manager'),
    jitter: settings.number('interval-jitter-percentage', 5, { min: 0, max: 100 }) / 100,
    minIntervalMs: settings.duration('min-interval', 1_000),
    watchedConfigs:
      settings.get('watch-configs-label-selector') ?? `${WATCH_LABEL}=${WATCH_ENABLED}`,
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
