// From an artifact to the objects that are to be in the cluster.
import { type Artifact, formatDuration, type Kustomization, Reason, SUBSTITUTE } from '@weir/api';
import { ArtifactError, ArtifactMissing, fetchArtifact } from '@weir/artifact';
import { type KubeObject, parseApiVersion } from '@weir/kube';
import { type ArtifactFile, type BuildResult, RenderError, type Substitution } from '@weir/render';
import type { Environment } from '../environment.ts';
import { Failure } from '../status/failure.ts';
import { ownerOf } from '../apply/owner.ts';
import { timeoutMs } from '../timing.ts';
import { gatherVariables, VariablesError } from './variables.ts';

/** The largest archive that is fetched. Bytes. */
const MAX_ARTIFACT_BYTES = 1024 ** 3;

/**
 * Brings the artifact to this machine; returns the path of its tar.gz. Fails with ArtifactFailed: what
 * nobody has (yet) is asked for again after `requeueDependencyMs`, other trouble with backoff.
 */
export async function fetchFile(
  env: Environment,
  object: Kustomization,
  artifact: Artifact,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { file } = await fetchArtifact(env.store, artifact, {
      dir: env.cacheDir,
      signal,
      timeoutMs: timeoutMs(object),
      maxBytes: MAX_ARTIFACT_BYTES,
    });
    return file;
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    if (!(cause instanceof ArtifactMissing)) {
      const { message, transient: backoff } = cause;
      throw new Failure(Reason.ArtifactFailed, message, { cause, backoff });
    }
    const { requeueDependencyMs: retryMs } = env.settings;
    const message = `Source is not ready, artifact not found, retrying in ${formatDuration(retryMs)}`;
    throw new Failure(Reason.ArtifactFailed, message, { cause, retryMs, event: 'none' });
  }
}

/** Not the manifests' fault: worth another try soon. */
const ENGINE_TROUBLE = new Set(['EngineUnavailable', 'EngineCrashed', 'Closed']);

/** What the render pool made of it, with the owner's labels on every object. */
export interface Build {
  objects: KubeObject[];
  /** Digest of the built manifests, for the history. */
  digest: string;
  trace: BuildResult['trace'];
  substitute: Substitution | undefined;
}

/**
 * Builds `spec.path` and replaces variables. Failures carry the reason ArtifactFailed (no such path) or
 * BuildFailed.
 */
export async function buildObjects(
  env: Environment,
  object: Kustomization,
  artifact: ArtifactFile,
  signal: AbortSignal,
): Promise<Build> {
  try {
    const strict = env.settings.gates.StrictPostBuildSubstitutions;
    const substitute = await gatherVariables(env.client, object, { strict });
    return await render(env, object, artifact, substitute, signal);
  } catch (error) {
    if (!(error instanceof VariablesError)) throw error;
    // As the variables are asked for by the first object that may hold any, a build without objects
    // needs none, and one that fails anyway fails first.
    const built = await render(env, object, artifact, undefined, signal);
    const first = built.objects.find(({ metadata }) => !isMarked(metadata));
    if (first === undefined) return built;
    const message = `post build failed for '${resourceId(first)}': ${error.message}`;
    throw new Failure(Reason.BuildFailed, message, { cause: error });
  }
}

async function render(
  env: Environment,
  object: Kustomization,
  artifact: ArtifactFile,
  substitute: Substitution | undefined,
  signal: AbortSignal,
): Promise<Build> {
  const limitMs = Math.min(timeoutMs(object), env.settings.buildTimeoutMs);
  try {
    const { objects, digest, trace } = await env.pool.build(
      {
        artifact,
        path: object.spec.path ?? '',
        kustomization: object.spec,
        ownerLabels: ownerOf(object).labels,
        ...(substitute === undefined ? {} : { substitute }),
      },
      { timeoutMs: limitMs, signal },
    );
    return { objects: objects as KubeObject[], digest, trace, substitute };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    const backoff = ENGINE_TROUBLE.has(error.reason);
    const message = tooLarge(error, object, limitMs) ?? error.message;
    throw new Failure(buildReason(error.reason), message, { cause: error, backoff });
  }
}

/** What to tell of a build that went over a limit; undefined for other errors. */
function tooLarge({ reason }: RenderError, { spec }: Kustomization, limitMs: number) {
  const subject = `kustomize build failed: '${spec.path || './'}'`;
  const advice = 'split it into several Kustomizations';
  if (reason === 'MemoryLimit')
    return `${subject} needs more memory than a build may take: ${advice}`;
  if (reason !== 'Timeout') return undefined;
  const limit = `${formatDuration(limitMs)} (the shorter of spec.timeout and --build-timeout)`;
  return `${subject} took longer than ${limit}: ${advice}, or raise the limit`;
}

/** Whether the object opts out of variables. */
function isMarked({ labels, annotations }: KubeObject['metadata']): boolean {
  return [labels, annotations].some((values) => values?.[SUBSTITUTE] === 'disabled');
}

/** An object as Kustomize writes it: `ConfigMap.v1.[noGrp]/name`. */
function resourceId({ apiVersion, kind, metadata }: KubeObject): string {
  const { group, version } = parseApiVersion(apiVersion);
  return `${kind}.${version}.${group || '[noGrp]'}/${metadata.name}`;
}

/** The engine's own troubles (time, memory, a crash) are failures of the build to its user. */
function buildReason(reason: string): Failure['reason'] {
  if (reason === Reason.ArtifactFailed || reason === Reason.ReconciliationFailed) return reason;
  return Reason.BuildFailed;
}
