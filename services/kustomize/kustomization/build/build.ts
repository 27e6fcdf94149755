// The step that builds the objects that are to be applied from an artifact.
import { type Artifact, formatDuration, type Kustomization, Reason, SUBSTITUTE } from '@weir/api';
import { type KubeObject, parseApiVersion } from '@weir/kube';
import { Failure, setFields } from '@weir/reconcile';
import {
  type ArtifactFile,
  type BuildRequest,
  type BuildResult,
  RenderError,
  type Substitution,
} from '@weir/render';
import { ownerOf } from '../apply/owner.ts';
import { type Credentials, readCredentials } from '../decryption/credentials.ts';
import { openDecryption } from '../decryption/open.ts';
import type { Environment } from '../environment.ts';
import type { Run } from '../run.ts';
import { timeoutMs } from '../timing.ts';
import { gatherVariables, type Variables, VariablesError } from './variables.ts';

/** Reasons of the engine that are not faults of the manifests: the build is soon tried again. */
const ENGINE_TROUBLE = new Set(['EngineUnavailable', 'EngineCrashed', 'Closed']);

/** The result of the render pool; every object has the owner's labels. */
export interface Build {
  objects: KubeObject[];
  /** Digest of the built manifests, for the history. */
  digest: string;
  trace: BuildResult['trace'];
  substitute: Substitution | undefined;
  /** Values that messages must not show: the API server may quote what was substituted. */
  secretValues: string[];
  credentials: Credentials | undefined;
}

/** The inputs of a build besides the artifact and the spec. */
interface Given {
  variables?: Variables | undefined;
  decryption: BuildRequest['decryption'];
}

/**
 * Builds `spec.path` of the artifact, whose tar.gz is at `file`: decrypts it, and replaces variables. Fails with
 * ArtifactFailed if the path does not exist, and with BuildFailed.
 */
export async function build(run: Run, artifact: Artifact, file: string): Promise<Build> {
  const { env, object, status, ctx } = run;
  const { revision, digest } = artifact;
  const limit = `with a timeout of ${formatDuration(timeoutMs(object))}`;
  const { lastAttemptedRevision } = status.report().fields;
  return env.tracing.span('kustomize.build', { attributes: { revision } }, async () => {
    status.update((it) => setFields(it, { lastAttemptedRevision: revision }));
    status.progress(`Building manifests for revision ${revision} ${limit}`);
    try {
      return await buildObjects(env, object, { digest, file }, ctx.signal);
    } catch (error) {
      // An artifact without the path does not count as attempted, because another artifact may have the path.
      if (error instanceof Failure && error.reason === Reason.ArtifactFailed) {
        status.update((it) => setFields(it, { lastAttemptedRevision }));
        status.progress(`Fetching manifests for revision ${revision} ${limit}`);
      }
      throw error;
    }
  });
}

async function buildObjects(
  env: Environment,
  object: Kustomization,
  artifact: ArtifactFile,
  signal: AbortSignal,
): Promise<Build> {
  const credentials = await readCredentials(env, object);
  const decryption = credentials && openDecryption(env, credentials);
  try {
    await decryption?.open().catch(buildFailed);
    const built = await buildWith(env, object, artifact, decryption, signal);
    return { ...built, credentials };
  } finally {
    decryption?.close();
  }
}

type Built = Omit<Build, 'credentials'>;

/** Throws why the keys can't be used. */
function buildFailed(error: unknown): never {
  if (!(error instanceof RenderError)) throw error;
  const backoff = ENGINE_TROUBLE.has(error.reason);
  throw new Failure(Reason.BuildFailed, error.message, { cause: error, backoff });
}

async function buildWith(
  env: Environment,
  object: Kustomization,
  artifact: ArtifactFile,
  decryption: BuildRequest['decryption'],
  signal: AbortSignal,
): Promise<Built> {
  try {
    const strict = env.settings.gates.StrictPostBuildSubstitutions;
    const variables = await gatherVariables(env.client, object, { strict });
    return await render(env, object, artifact, { variables, decryption }, signal);
  } catch (error) {
    if (!(error instanceof VariablesError)) throw error;
    // The variables are read when the first object may use one: a build without objects needs none, and a build that
    // fails anyway fails with its own error.
    const built = await render(env, object, artifact, { decryption }, signal);
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
  { variables, decryption }: Given,
  signal: AbortSignal,
): Promise<Built> {
  const { secretValues = [] } = variables ?? {};
  const substitute = variables && substitutionOf(variables);
  const limitMs = Math.min(timeoutMs(object), env.settings.buildTimeoutMs);
  try {
    const { objects, digest, trace } = await env.pool.build(
      {
        artifact,
        path: object.spec.path ?? '',
        kustomization: object.spec,
        ownerLabels: ownerOf(object).labels,
        decryption,
        ...(substitute === undefined ? {} : { substitute }),
      },
      { tenant: object.metadata.namespace ?? '', timeoutMs: limitMs, signal },
    );
    return { objects: objects as KubeObject[], digest, trace, substitute, secretValues };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    const backoff = ENGINE_TROUBLE.has(error.reason);
    const message = tooLarge(error, object, limitMs) ?? error.message;
    throw new Failure(buildReason(error.reason), message, { cause: error, backoff });
  }
}

function substitutionOf({ secretValues: _, ...substitution }: Variables): Substitution {
  return substitution;
}

/** The message of a build that went over a limit; undefined for other errors. */
function tooLarge({ reason }: RenderError, { spec }: Kustomization, limitMs: number) {
  const subject = `kustomize build failed: '${spec.path || './'}'`;
  const advice = 'split it into several Kustomizations';
  if (reason === 'MemoryLimit')
    return `${subject} needs more memory than a build may take: ${advice}`;
  if (reason !== 'Timeout') return undefined;
  const limit = `${formatDuration(limitMs)} (the shorter of spec.timeout and --build-timeout)`;
  return `${subject} took longer than ${limit}: ${advice}, or raise the limit`;
}

/** Whether the object says that its variables are not to be replaced. */
function isMarked({ labels, annotations }: KubeObject['metadata']): boolean {
  return [labels, annotations].some((values) => values?.[SUBSTITUTE] === 'disabled');
}

/** An object as Kustomize writes it: `ConfigMap.v1.[noGrp]/name`. */
function resourceId({ apiVersion, kind, metadata }: KubeObject): string {
  const { group, version } = parseApiVersion(apiVersion);
  return `${kind}.${version}.${group || '[noGrp]'}/${metadata.name}`;
}

/**
 * The condition's reason for a reason of the engine: a timeout, too much memory or a crash shows as a failure of the
 * build.
 */
function buildReason(reason: string): Reason {
  if (reason === Reason.ArtifactFailed || reason === Reason.ReconciliationFailed) return reason;
  return Reason.BuildFailed;
}
