// The result of building a chart, and the failures of builds with Flux's messages.
import { BUILD_FAILED, FETCH_FAILED, Reason } from '@weir/api';
import { ArtifactError } from '@weir/artifact';
import { HelmError } from '@weir/helm';
import { OciError } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';
import { RenderError } from '@weir/render';
import { isAborted } from '../shared/charts/failures.ts';

/** The chart that an object is to have. */
export interface Target {
  name: string;
  /** The version, with build metadata that represents values files and revisions. */
  version: string;
}

/** A chart as a file that will be stored. */
export interface Build extends Target {
  /** Path of the packed chart. The caller removes it. */
  file: string;
  /** The values files that were merged. */
  valuesFiles: readonly string[];
  isPackaged: boolean;
  /** Dependencies that were added. */
  resolved: number;
}

/** Flux's message about a build. */
export function summaryOf({
  name,
  version,
  valuesFiles,
  isPackaged,
}: Pick<Build, 'name' | 'version' | 'valuesFiles' | 'isPackaged'>): string {
  const what = `${isPackaged ? 'packaged' : 'pulled'} '${name}' chart with version '${version}'`;
  if (valuesFiles.length === 0) return what;
  return `${what} and merged values files [${valuesFiles.join(' ')}]`;
}

/** The values files that matter: a list of the chart's own values alone is treated as empty. */
export function valuesFilesOf(files: readonly string[] = []): readonly string[] {
  const isDefault = files.length === 1 && /^(\.\/+)*values\.yaml$/.test(files[0] ?? '');
  return isDefault ? [] : files;
}

/**
 * For each reason: the beginning of the message, the condition that reports it, and whether it is stalled because
 * another attempt is of no use.
 */
const REASONS: Record<string, { summary: string; condition: string; stalled?: boolean }> = {
  [Reason.InvalidChartReference]: {
    ...{ summary: 'invalid chart reference', condition: FETCH_FAILED, stalled: true },
  },
  [Reason.ChartPullError]: { summary: 'chart pull error', condition: FETCH_FAILED },
  [Reason.MetadataPatchError]: {
    ...{ summary: 'chart metadata patch error', condition: BUILD_FAILED, stalled: true },
  },
  [Reason.ValuesFilesError]: {
    ...{ summary: 'values files merge error', condition: BUILD_FAILED, stalled: true },
  },
  [Reason.DependencyBuildError]: { summary: 'dependency build error', condition: BUILD_FAILED },
  [Reason.ChartPackageError]: { summary: 'chart package error', condition: BUILD_FAILED },
  [Reason.ChartVerificationError]: {
    ...{ summary: 'chart verification error', condition: BUILD_FAILED },
  },
};

/** A failure of a build; its message begins with the summary of the reason. */
export function buildFailure(reason: string, message: string, cause?: unknown): Failure {
  const known = REASONS[reason] ?? { summary: 'unknown build error', condition: FETCH_FAILED };
  const { summary, condition, stalled = false } = known;
  const retryMs = cause instanceof OciError ? cause.retryAfterMs : undefined;
  return new Failure(reason, `${summary}: ${message}`, {
    ...{ condition, stalled, cause },
    ...(retryMs === undefined ? {} : { retryMs: Math.max(retryMs, 1_000) }),
  });
}

/**
 * The failure of a request to the engine, with the engine's reason; `reason` is used where that is none of a chart's.
 */
export function engineFailure(cause: unknown, reason: string, what = ''): unknown {
  if (isAborted(cause) || !(cause instanceof RenderError)) return cause;
  const own = cause.reason in REASONS ? cause.reason : reason;
  return buildFailure(own, `${what}${cause.message}`, cause);
}

/** The failure of a step that asks a repository or a registry. */
export function pullFailure(cause: unknown, what: string): unknown {
  if (isAborted(cause) || cause instanceof Failure) return cause;
  const isKnown =
    cause instanceof HelmError ||
    cause instanceof OciError ||
    cause instanceof RenderError ||
    cause instanceof ArtifactError ||
    isPlain(cause);
  if (!isKnown) return cause;
  const failure = buildFailure(Reason.ChartPullError, `${what}: ${messageOf(cause)}`, cause);
  const isDenied =
    (cause instanceof HelmError || cause instanceof OciError) && cause.status === 401;
  return isDenied ? deniedFailure(failure) : failure;
}

/** Whether it is an Error about a chart or a range, and not one of Node's classes for faults in code. */
function isPlain(cause: unknown): boolean {
  return cause instanceof Error && cause.constructor === Error;
}

/** As in Flux, the event has the reason and the condition has not. */
function deniedFailure({ message, cause }: Failure): Failure {
  const what = `failed to authenticate with the Helm repository: ${message}`;
  return new Failure(Reason.Unknown, `unknown build error: ${what}`, {
    ...{ condition: FETCH_FAILED, cause },
    event: { severity: 'error', message: what, reason: Reason.AuthenticationFailed },
  });
}
