import { type ChartOperations, chartOperations } from './charts.ts';
import { type CrdOperations, crdOperations } from './crds.ts';
import { RenderError } from './error.ts';
import type { HelmOperations } from './helm.ts';
import { helmOperations } from './helmoperations.ts';
import { type RequestOptions, timeoutError } from './job.ts';
import { type MessageOperations, messageOperations } from './messages.ts';
import { ignoreBodies, statusBodies } from './portions.ts';
import type { WireError } from './protocol.ts';
import type {
  BuildRequest,
  BuildResult,
  EngineVersion,
  EvaluateRequest,
  Evaluation,
  ExemptionRule,
  HealthCheckExpression,
  IgnoreRequest,
  MatchRequest,
  MatchResult,
  ObjectStatus,
  SemverResult,
  TextEvaluation,
} from './requests.ts';
import type { Send } from './send.ts';
import { type TagOperations, tagOperations } from './tags.ts';

/** The engine's operations. Every call rejects with a {@link RenderError}. */
export interface Operations
  extends ChartOperations,
    HelmOperations,
    MessageOperations,
    TagOperations,
    CrdOperations {
  /** Builds the objects that Flux's kustomize-controller would apply for a Kustomization. */
  build(request: BuildRequest, options: RequestOptions): Promise<BuildResult>;
  /**
   * Returns the files of a source that source-controller would pack, in the given order. `timeoutMs` is for the whole
   * call. `InvalidRequest` for more than 10,000 lines or 1 MiB of rules.
   */
  ignore(request: IgnoreRequest, options: RequestOptions): Promise<{ kept: string[] }>;
  /** Selects versions, such as Git tags, by the rules of `spec.ref.semver`; `InvalidSemVer` for an invalid range. */
  semver(
    request: { range: string; versions: string[] },
    options: RequestOptions,
  ): Promise<SemverResult>;
  /**
   * The health of live objects as Flux computes it (kstatus), in the given order; for kinds that `checks` names, by
   * their CEL expressions. `InvalidCELExpression` for checks that don't compile, even without objects. An expression
   * that fails on an object makes it Unknown, with the error as message. `timeoutMs` is for each MiB of objects.
   */
  status(
    objects: readonly object[],
    options: RequestOptions & { checks?: readonly HealthCheckExpression[] | undefined },
  ): Promise<ObjectStatus[]>;
  /**
   * Evaluates a CEL expression as Flux does `readyExpr`; `InvalidCELExpression` when it doesn't compile or isn't a
   * boolean.
   */
  evaluate(request: EvaluateRequest, options: RequestOptions): Promise<Evaluation[]>;
  /** Evaluates an expression whose result is a text; `InvalidCELExpression` for any other type. */
  evaluateText(request: EvaluateRequest, options: RequestOptions): Promise<TextEvaluation[]>;
  /** Evaluates an expression with any result, which is converted to JSON. */
  evaluateAny(
    request: EvaluateRequest,
    options: RequestOptions,
  ): Promise<({ value: unknown; error?: undefined } | { error: string })[]>;
  /**
   * The JSON pointers that the rules exempt in each object, in the given order. Of the objects, only kind, name,
   * namespace, labels and annotations matter. `ReconciliationFailed` for an invalid selector.
   */
  exempt(
    request: { rules: readonly ExemptionRule[]; objects: readonly object[] },
    options: RequestOptions,
  ): Promise<string[][]>;
  /**
   * Says which patterns match which texts. Compiled patterns are kept for later requests. `InvalidRequest` for more or
   * longer patterns or texts than `MatchRequest` allows, `Timeout` when all of it takes longer than 2 s.
   */
  match(request: MatchRequest, options: RequestOptions): Promise<MatchResult>;
  version(): Promise<EngineVersion>;
}

/** The tenant of requests that are not made for any namespace. */
const NO_TENANT = '';

/** The typed operations over the engine's protocol. */
export function operations(send: Send): Operations {
  return {
    ...chartOperations(send),
    ...helmOperations(send),
    ...tagOperations(send),
    ...messageOperations(send),
    ...crdOperations(send),
    async build(request, options) {
      const { artifact, path, kustomization = {}, substitute, ownerLabels, decryption } = request;
      const { digest, file } = artifact;
      const decrypt = decryption !== undefined;
      const body = { digest, file, path, kustomization, substitute, ownerLabels, decrypt };
      const asking = { ...options, callbacks: decryption?.callbacks };
      const answer = (await send('build', JSON.stringify(body), asking, `build ${path}`)) as {
        failed?: WireError;
      } & BuildResult;
      const { failed, trace, warnings } = answer;
      if (failed) throw new RenderError(failed.reason, failed.message, { trace, warnings });
      return answer;
    },
    async ignore(request, { timeoutMs = IGNORE_MS, ...options }) {
      const end = performance.now() + timeoutMs;
      const kept: string[] = [];
      for (const body of ignoreBodies(request)) {
        const leftMs = Math.max(1, Math.ceil(end - performance.now()));
        const answer = await send('ignore', body, { ...options, timeoutMs: leftMs }).catch(
          (error: unknown) => {
            // The caller's limit is for all portions together, so the error names it and not the portion's.
            throw isTimeout(error) ? timeoutError({ timeoutMs }) : error;
          },
        );
        kept.push(...(answer as { kept: string[] }).kept);
      }
      return { kept };
    },
    async semver(request, options) {
      return (await send('semver', JSON.stringify(request), options)) as SemverResult;
    },
    async status(objects, { checks, ...options }) {
      const profile = checks === undefined ? 'status' : 'status by expressions';
      const statuses: ObjectStatus[] = [];
      for (const body of statusBodies(objects, checks)) {
        const answer = await send('status', body, options, profile);
        statuses.push(...(answer as { statuses: ObjectStatus[] }).statuses);
      }
      return statuses;
    },
    async evaluate(request, options) {
      const { results } = (await send('cel', JSON.stringify(request), options)) as {
        results: { value: boolean; error?: string }[];
      };
      return results.map(({ value, error }) => (error === undefined ? { value } : { error }));
    },
    async evaluateText(request, options) {
      const body = JSON.stringify({ ...request, output: 'text' });
      const { results } = (await send('cel', body, options)) as {
        results: { value: string; error?: string }[];
      };
      return results.map(({ value, error }) => (error === undefined ? { value } : { error }));
    },
    async evaluateAny(request, options) {
      const body = JSON.stringify({ ...request, output: 'any' });
      const { results } = (await send('cel', body, options)) as {
        results: { value: unknown; error?: string }[];
      };
      return results.map(({ value, error }) => (error === undefined ? { value } : { error }));
    },
    async exempt(request, options) {
      const answer = await send('exempt', JSON.stringify(request), options);
      return (answer as { paths: string[][] }).paths;
    },
    async match(request, options) {
      return (await send('match', JSON.stringify(request), options)) as MatchResult;
    },
    async version() {
      return (await send('version', '{}', { tenant: NO_TENANT })) as EngineVersion;
    },
  };
}

/** The default time for the files of a source, in ms. */
const IGNORE_MS = 60_000;

function isTimeout(error: unknown): boolean {
  return error instanceof RenderError && error.reason === 'Timeout';
}
