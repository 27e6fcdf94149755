// The requests and results of the engine's operations.
import type { Decryption } from './decryption.ts';
import type { Trace } from './trace.ts';

/** A packed artifact: a tar.gz file on this machine and the digest of its bytes. */
export interface ArtifactFile {
  /** `sha256:<hex>`; the engine checks it. */
  digest: string;
  /** Absolute path. It is read only by an engine that does not have the artifact in memory. */
  file: string;
}

export interface BuildRequest {
  artifact: ArtifactFile;
  /** `spec.path`, relative to the artifact's root; `..` can't leave the root. */
  path: string;
  /** Fields of the Flux Kustomization's spec, unchanged. */
  kustomization?: Customization;
  /** Variables to replace; undefined when the spec has no `postBuild`. */
  substitute?: Substitution;
  /** Labels that identify the owner of the objects, set before all other changes of the metadata. */
  ownerLabels?: Record<string, string>;
  /** Decrypts files that generators and patches read, and objects. Without it, an encrypted Secret fails the build. */
  decryption?: Pick<Decryption, 'callbacks'> | undefined;
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
  /**
   * The variables of ConfigMaps and Secrets, where later ones override earlier ones, and inline variables override
   * both.
   */
  vars: Record<string, string> | null;
  /** Fail on a variable that has neither value nor default (Flux's StrictPostBuildSubstitutions). */
  strict?: boolean;
  /** Replace even when there are no variables (`spec.postBuild` with the strategy `Always`). */
  always?: boolean;
}

/** A Kubernetes object, ready to be applied. */
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
  /** In Kustomize's order. */
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
  /** Excludes only what the rules name; the default rules (folders of version control and the like) don't apply. */
  noDefaults?: boolean;
}

export interface SemverResult {
  /** The versions in the range, highest first, each as it was given. */
  sorted: string[];
  /** The highest version and those that are equal to it: Flux takes the one with the newest commit. */
  highest: string[];
}

export interface ObjectStatus {
  status: 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';
  message: string;
}

/** CEL expressions about the health of a kind: `spec.healthCheckExprs`, unchanged. */
export interface HealthCheckExpression {
  apiVersion: string;
  /** All kinds of the group if left out. */
  kind?: string | undefined;
  current: string;
  inProgress?: string | undefined;
  failed?: string | undefined;
}

export interface EvaluateRequest {
  /** It has to return a boolean, and may use the variables that `inputs` name. */
  expression: string;
  /** The variables' values, one evaluation each; the same names in all, and at least one. */
  inputs: Record<string, object>[];
  /** Whether every number is a double, as in JSON without a schema; otherwise whole numbers are integers. */
  floats?: boolean;
}

/** Either the text, or the error. */
export type TextEvaluation =
  | { value: string; error?: undefined }
  | { value?: undefined; error: string };

/** Either the value, or the error. */
export type Evaluation =
  | { value: boolean; error?: undefined }
  | { value?: undefined; error: string };

/** An item of `spec.ignore`: JSON pointers to fields, and the objects in which these fields are not managed. */
export interface ExemptionRule {
  paths: string[];
  target?: Selector | undefined;
}

/**
 * Regular expressions of Go (RE2: linear time, no look-around, no back references), not anchored: at most 100, each of
 * at most 1,024 bytes of UTF-8. The texts to match: at most 100, each of at most 65,536 bytes of UTF-8.
 */
export interface MatchRequest {
  patterns: readonly string[];
  texts: readonly string[];
}

export interface MatchResult {
  /** For each text, in the given order, the indexes of the patterns that match it, ascending. */
  matches: number[][];
  /**
   * The patterns that can't be used and match nothing, by ascending index, each with the reason: Go's message when it
   * doesn't parse, or the limit that it exceeds (its length, or a program of 4,096 instructions; `x{1000}` has 1,000).
   */
  invalid: { index: number; reason: string }[];
}

/** The index of a chart repository, and the files to write. Absolute paths. */
export interface ChartIndexRequest {
  /** YAML or JSON. */
  file: string;
  /** The index as JSON, sorted; it isn't written unless given. */
  json?: string | undefined;
  /** The file that `chartVersion` reads. A folder with this name and `.work` is used temporarily. */
  lookup: string;
}

export interface ChartVersionRequest {
  /** The file that `chartIndex` wrote. Without it, `range` is the version itself. */
  lookup?: string | undefined;
  name: string;
  /** A version, a range, or an empty text for the latest. */
  range: string;
  /** Becomes the build metadata of `target`; an empty text leaves the version unchanged. */
  metadata?: string | undefined;
}

export interface ChartVersionResult {
  version: string;
  target: string;
  /** The first of its addresses, as it is in the index; null where it has none. */
  urls: string[] | null;
}

export interface ChartMetadata {
  name: string;
  version: string;
}

/** How a chart is packed again. */
export interface ChartPacking {
  version: string;
  valuesFiles: readonly string[];
  ignoreMissingValuesFiles: boolean;
  /** Absolute path of the result. A folder with this name and `.work` is used temporarily. */
  out: string;
}

/** A chart in an artifact. */
export interface ChartSource {
  artifact: ArtifactFile;
  /** Relative to the artifact's root; `..` can't leave the root. */
  path: string;
  /** Becomes the build metadata of the version. */
  metadata: string;
}

export interface ChartSourceResult extends ChartMetadata {
  /** False for a chart that is packed already. */
  isFolder: boolean;
}

export interface ChartDependency {
  /** Its alias, or its name where it has none. */
  key: string;
  name: string;
  /** A range, or the version that the lock file names. */
  version: string;
  repository: string;
}

/** A dependency as a packed chart on this machine. */
export interface FetchedDependency {
  key: string;
  file: string;
  version: string;
}

export interface ChartPackResult {
  /** The values files that were merged; null when that changed nothing. */
  valuesFiles: string[] | null;
  /** Dependencies that were added. */
  resolved: number;
  /** Dependencies that have to be fetched first. If there are any, nothing was packed. */
  missing: ChartDependency[] | null;
}

export interface EngineVersion {
  /** Two engines with the same hash render the same. */
  hash: string;
  kustomize: string;
  go: string;
}
