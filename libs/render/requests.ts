// What the engine takes and gives, by operation.
import type { Decryption } from './decryption.ts';
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
  /** The variables of ConfigMaps and Secrets, where a later one wins over an earlier one, and inline variables over both. */
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
  /** Leaves out nothing but what the rules name, not even folders of version control. */
  noDefaults?: boolean;
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
  /** Every number is a double, as in JSON without a schema; else whole numbers are integers. */
  floats?: boolean;
}

/** Either the text, or why there is none. */
export type TextEvaluation =
  | { value: string; error?: undefined }
  | { value?: undefined; error: string };

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

/** The index of a chart repository, and where what is made of it goes. Absolute paths. */
export interface ChartIndexRequest {
  /** YAML or JSON. */
  file: string;
  /** The index as JSON, sorted; it isn't written unless given. */
  json?: string | undefined;
  /** What `chartVersion` reads; a folder of this name and `.work` is used meanwhile. */
  lookup: string;
}

export interface ChartVersionRequest {
  /** What `chartIndex` wrote. Without it `range` is the version itself. */
  lookup?: string | undefined;
  name: string;
  /** A version, a range or nothing, which stands for the latest. */
  range: string;
  /** Becomes the build metadata of `target`; nothing leaves the version as it is. */
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

/** How a chart is packed anew. */
export interface ChartPacking {
  version: string;
  valuesFiles: readonly string[];
  ignoreMissingValuesFiles: boolean;
  /** Absolute path of the result; a folder of this name and `.work` is used meanwhile. */
  out: string;
}

/** A chart in an artifact. */
export interface ChartSource {
  artifact: ArtifactFile;
  /** Relative to the artifact's root; `..` stops there. */
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
  /** The values files that were merged; null where that changed nothing. */
  valuesFiles: string[] | null;
  /** Dependencies that were added. */
  resolved: number;
  /** Dependencies that have to be fetched first: then nothing was packed. */
  missing: ChartDependency[] | null;
}

export interface EngineVersion {
  /** Two engines with the same hash render the same. */
  hash: string;
  kustomize: string;
  go: string;
}
