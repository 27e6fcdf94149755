import { RenderError } from './error.ts';
import { type RequestOptions, timeoutError } from './job.ts';
import { ignoreBodies, statusBodies } from './portions.ts';
import type { WireError } from './protocol.ts';
import type { Trace } from './trace.ts';

/** A packed artifact: a tar.gz file on this machine and the digest of its bytes. */
export interface ArtifactFile {
  /** `sha256:<hex>`; the engine checks it. */
  digest: string;
  /** Absolute path. Read only by an engine that doesn't hold the artifact yet. */
  file: string;
}

export interface BuildRequest {
  artifact: ArtifactFile;
  /** `spec.path`, relative to the artifact's root; `..` stops there. */
  path: string;
  /** Fields of the Flux Kustomization's spec, as they are. */
  kustomization?: Customization;
  /** Variables to replace; leave it out when the spec has no `postBuild`. */
  substitute?: Substitution;
  /** Labels that say to whom the objects belong, set before everything else in the metadata. */
  ownerLabels?: Record<string, string>;
}

export interface Customization {
  targetNamespace?: string | undefined;
  namePrefix?: string | undefined;
  nameSuffix?: string | undefined;
  patches?: Patch[] | undefined;
  images?: Image[] | undefined;
  components?: string[] | undefined;
  ignoreMissingComponents?: boolean | undefined;
  buildMetadata?: string[] | undefined;
  commonMetadata?:
    | {
        labels?: Record<string, string> | undefined;
        annotations?: Record<string, string> | undefined;
      }
    | undefined;
}

export interface Patch {
  patch: string;
  target?: Selector | undefined;
}

export interface Selector {
  group?: string | undefined;
  version?: string | undefined;
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  annotationSelector?: string | undefined;
  labelSelector?: string | undefined;
}

export interface Image {
  name: string;
  newName?: string | undefined;
  newTag?: string | undefined;
  digest?: string | undefined;
}

export interface Substitution {
  /** Gathered from ConfigMaps and Secrets, the later over the earlier, inline ones over all. */
  vars: Record<string, string> | null;
  /** Fail on a variable that has neither value nor default (Flux's StrictPostBuildSubstitutions). */
  strict?: boolean;
  /** Replace even when there are no variables (`spec.postBuild` with the strategy `Always`). */
  always?: boolean;
}

/** A Kubernetes object, as it would be applied. */
export interface RenderedObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export interface BuildResult {
  /** In the order in which Kustomize gives them. */
  objects: RenderedObject[];
  /** `sha256:<hex>` of the built YAML: what Flux puts into `status.history[].digest`. */
  digest: string;
  trace: Trace;
  warnings: string[];
}

export interface IgnoreRequest {
  /** `spec.ignore`; undefined or null when it isn't set. */
  rules?: string | null | undefined;
  /** The source's `.sourceignore` files. */
  ignoreFiles: { path: string; content: string }[];
  /** The source's files, relative, with forward slashes. */
  paths: string[];
}

export interface SemverResult {
  /** The versions in the range, highest first, each as it was given. */
  sorted: string[];
  /** The highest, and those that compare as equal to it: Flux takes the one with the newest commit. */
  highest: string[];
}

export interface ObjectStatus {
  status: 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';
  message: string;
}

/** CEL expressions about the health of a kind: `spec.healthCheckExprs`, as it is. */
export interface HealthCheckExpression {
  apiVersion: string;
  /** All kinds of the group if left out. */
  kind?: string | undefined;
  current: string;
  inProgress?: string | undefined;
  failed?: string | undefined;
}

export interface EvaluateRequest {
  /** Must give a boolean; it may use the variables that `inputs` name. */
  expression: string;
  /** The variables' values, one evaluation each; the same names in all, and at least one. */
  inputs: Record<string, object>[];
}

/** Either the value, or why there is none. */
export type Evaluation =
  | { value: boolean; error?: undefined }
  | { value?: undefined; error: string };

/** An item of `spec.ignore`: JSON pointers, and the objects in which they are left to others. */
export interface ExemptionRule {
  paths: string[];
  target?: Selector | undefined;
}

/**
 * Regular expressions of Go (RE2: linear time, no look-around and no back references), not anchored: at most 100 of
 * 1,024 bytes of UTF-8 each. And what they are tried on: at most 100 texts of 65,536 bytes of UTF-8 each.
 */
export interface MatchRequest {
  patterns: readonly string[];
  texts: readonly string[];
}

export interface MatchResult {
  /** For each text, in the order given, the indexes of the patterns that match it, rising. */
  matches: number[][];
  /**
   * The patterns that can't be used and match nothing, by rising index, each with the reason: Go's words for one that
   * doesn't parse, or the bound that it is over (its length, or a program of 4,096 instructions, as `x{1000}` has 1,000).
   */
  invalid: { index: number; reason: string }[];
}

export interface EngineVersion {
  /** Two engines with the same hash render the same. */
  hash: string;
  kustomize: string;
  go: string;
}

/** What an engine can do. Every call rejects with a {@link RenderError}. */
export interface Operations {
  /** Builds the objects that Flux's kustomize-controller would apply for a Kustomization. */
  build(request: BuildRequest, options: RequestOptions): Promise<BuildResult>;
  /**
   * Says which files of a source source-controller would pack, in the order given. `timeoutMs` is for all of it. More than
   * 10,000 lines or 1 MiB of rules are `InvalidRequest`.
   */
  ignore(request: IgnoreRequest, options: RequestOptions): Promise<{ kept: string[] }>;
  /** Picks versions from Git tags and the like as `spec.ref.semver` does; a bad range is `InvalidSemVer`. */
  semver(
    request: { range: string; versions: string[] },
    options: RequestOptions,
  ): Promise<SemverResult>;
  /**
   * The health of live objects as Flux computes it (kstatus), in the order given; of the kinds that
   * `checks` names, by their CEL expressions. Checks that don't compile are `InvalidCELExpression`, also
   * without objects; an expression that fails on an object makes it Unknown, with the error as message.
   * `timeoutMs` is for each MiB of objects.
   */
  status(
    objects: readonly object[],
    options: RequestOptions & { checks?: readonly HealthCheckExpression[] | undefined },
  ): Promise<ObjectStatus[]>;
  /**
   * Evaluates a CEL expression as Flux does `readyExpr`; one that doesn't compile, or isn't a boolean,
   * is `InvalidCELExpression`.
   */
  evaluate(request: EvaluateRequest, options: RequestOptions): Promise<Evaluation[]>;
  /**
   * The JSON pointers that the rules exempt in each object, in the order given; of the objects only
   * kind, name, namespace, labels and annotations count. A bad selector is `ReconciliationFailed`.
   */
  exempt(
    request: { rules: readonly ExemptionRule[]; objects: readonly object[] },
    options: RequestOptions,
  ): Promise<string[][]>;
  /**
   * Which patterns match which texts; compiled ones are kept. More patterns or texts, or longer texts, than
   * `MatchRequest` allows are `InvalidRequest`. Matching takes 2 s at most, for all together: `Timeout`.
   */
  match(request: MatchRequest, options: RequestOptions): Promise<MatchResult>;
  version(): Promise<EngineVersion>;
}

/**
 * Sends a request, whose body is JSON, to an engine. Requests of the same tenant and profile (the operation unless given)
 * are expected to take the same time and memory.
 */
export type Send = (
  op: string,
  body: string,
  options: RequestOptions,
  profile?: string,
) => Promise<unknown>;

/** Whose turn it is for what nobody asked for. */
const NO_TENANT = '';

/** The typed operations over the engine's protocol. */
export function operations(send: Send): Operations {
  return {
    async build({ artifact, path, kustomization = {}, substitute, ownerLabels }, options) {
      const { digest, file } = artifact;
      const body = { digest, file, path, kustomization, substitute, ownerLabels };
      const answer = (await send('build', JSON.stringify(body), options, `build ${path}`)) as {
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
            // Of all portions together.
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

/** Time for the files of a source unless the caller says so, in ms. */
const IGNORE_MS = 60_000;

function isTimeout(error: unknown): boolean {
  return error instanceof RenderError && error.reason === 'Timeout';
}
