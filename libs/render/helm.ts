// The engine's operations for a HelmRelease, by Helm's own library: values, rendering, stored releases, patches.
import type { RequestOptions } from './job.ts';
import type { ArtifactFile, Image, Patch, RenderedObject } from './requests.ts';

/**
 * Values as the text of a JSON object. The text keeps what JavaScript's numbers lose (Go distinguishes `1` from `1.0`,
 * and templates print them differently): parse it only to read it, and pass the text itself back to the engine.
 */
export type ValuesText = string;

/** One source of values. `origin` names it in `origins` and in errors. */
export type HelmValuesLayer =
  /** A values file: YAML text of a map. */
  | { origin: string; yaml: string }
  /**
   * One value that is set at a path, by the rules of `helm --set` unless `literal`. With `secret`, messages contain
   * nothing of the text.
   */
  | {
      origin: string;
      text: string;
      targetPath: string;
      literal?: boolean | undefined;
      secret?: boolean | undefined;
    };

export interface HelmValuesRequest {
  /** `spec.valuesFrom`, resolved, in its order. */
  layers: readonly HelmValuesLayer[];
  /**
   * `spec.values` as JSON text, as the API server sent it or as `JSON.stringify` returns it; undefined when it isn't
   * set.
   */
  inline?: string | undefined;
  /** Adds the chart's own values to the result: `all`, and the origin `chart` for what no layer set. */
  chart?: HelmChartFile | undefined;
}

export interface HelmValuesResult {
  values: ValuesText;
  /** Flux's `configDigest`: `sha256:<hex>`. */
  digest: string;
  /**
   * Where each value comes from: JSON pointers with the `origin` of a layer, or `spec.values`. Empty maps and lists
   * have no entry; of more than 10,000 values, only the first have one.
   */
  origins: Record<string, string>;
  /** The values that templates see: merged with those of the chart and of its enabled subcharts. */
  all?: ValuesText;
}

/** A packed chart. */
export interface HelmChartFile extends ArtifactFile {
  /**
   * The revision of an OCIRepository, or of an ExternalArtifact whose revision has a digest. As in Flux, it is checked
   * against the chart's version, and 12 characters of the digest become the version's build metadata. Undefined for
   * other sources.
   */
  sourceRevision?: string | undefined;
  /** Leaves the version unchanged in spite of `sourceRevision` (Flux's DisableChartDigestTracking). */
  keepVersion?: boolean | undefined;
}

/** The content of Chart.yaml. */
export interface HelmChartMetadata {
  name: string;
  /** With the build metadata from `sourceRevision`. */
  version: string;
  appVersion: string;
  kubeVersion: string;
  type: string;
  deprecated: boolean;
}

export interface HelmChartResult extends HelmChartMetadata {
  /** Whether the chart or one of its subcharts has files in a folder `crds/`. */
  hasCrds: boolean;
  /** The digest in the source revision; Flux keeps it in the snapshot. */
  ociDigest?: string;
}

/** Metadata that is set on every object, after all other changes but the origin labels. */
export interface HelmCommonMetadata {
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
}

/** An item of `spec.postRenderers[].kustomize`. */
export interface HelmPostRenderer {
  patches?: readonly Patch[] | undefined;
  images?: readonly Image[] | undefined;
}

export interface HelmRenderRequest {
  chart: HelmChartFile;
  values: ValuesText;
  release: {
    /** Limited by Helm to 53 characters, lower case. */
    name: string;
    namespace: string;
    revision: number;
    /** False for an upgrade. */
    isInstall: boolean;
  };
  capabilities: {
    /** From the API server's `/version`. */
    kubeVersion: { version: string; major: string; minor: string };
    /**
     * Each `group/version` and `group/version/Kind` that the API server serves (`v1`, `apps/v1`, `apps/v1/Deployment`).
     */
    apiVersions: readonly string[];
  };
  options?: {
    /** `disableSchemaValidation`. */
    skipSchemaValidation?: boolean | undefined;
    /** How the release's objects will be applied; it is stored with the release. */
    applyMethod?: 'ssa' | 'csa' | undefined;
  };
  /**
   * `upgrade.preserveValues`: the payload of the deployed release, whose values are merged below the new ones. The
   * result's `values` are the merged ones.
   */
  preserveValuesOf?: HelmPayload | undefined;
  postRender: {
    strategy: 'combined' | 'separate' | 'nohooks';
    renderers?: readonly HelmPostRenderer[] | undefined;
    commonMetadata?: HelmCommonMetadata | undefined;
    /** The HelmRelease's own name and namespace, for the origin labels; without it, none are set. */
    origin?: { name: string; namespace: string } | undefined;
  };
  /** With this, the release is encoded too: `stored` in the result. */
  info?: HelmReleaseInfo | undefined;
}

/**
 * The arguments of a template's `lookup`: one object, or all objects of a namespace (or of the cluster) when `name` is
 * empty.
 */
export interface HelmLookup {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/** The functions that the engine calls during a render. An error that they throw fails the render with its message. */
export interface HelmAnswers {
  /**
   * Returns the object, or the list with its `items`, as the API server returns it; null when there is none. For a
   * group or version that the API server doesn't serve it must throw, as Helm fails then. At most 1,000 calls per
   * render, with 8 MiB in all; one at a time, and each look-up once.
   */
  lookup(lookup: HelmLookup, signal: AbortSignal): Promise<object | null>;
  /**
   * Returns the text at an HTTP(S) URL that `values.schema.json` refers to. Without this function, such references are
   * refused.
   */
  schema?(url: string, signal: AbortSignal): Promise<string>;
}

export type HelmHookEvent =
  | 'pre-install'
  | 'post-install'
  | 'pre-delete'
  | 'post-delete'
  | 'pre-upgrade'
  | 'post-upgrade'
  | 'pre-rollback'
  | 'post-rollback'
  | 'test';

export interface HelmHookRun {
  /** RFC 3339; undefined if the hook never ran. */
  startedAt?: string | undefined;
  completedAt?: string | undefined;
  phase: '' | 'Unknown' | 'Running' | 'Succeeded' | 'Failed';
}

export interface HelmHook {
  /** Its position in the stored list of hooks, which `helmUpdate` takes. */
  index: number;
  name: string;
  kind: string;
  /** File in the chart. */
  path: string;
  events: HelmHookEvent[];
  weight: number;
  /** As stored: when there is none, Helm's default `before-hook-creation` is not added. */
  deletePolicies: ('hook-succeeded' | 'hook-failed' | 'before-hook-creation')[];
  outputLogPolicies: ('hook-succeeded' | 'hook-failed')[];
  lastRun: HelmHookRun;
  /** The objects of its manifest: one, or those of a list; empty when objects weren't requested. */
  objects: RenderedObject[];
}

/** The times, status and texts of a stored release. Times are RFC 3339, with up to nanoseconds. */
export interface HelmReleaseInfo {
  firstDeployed?: string | undefined;
  lastDeployed?: string | undefined;
  deleted?: string | undefined;
  status: HelmReleaseStatus;
  description: string;
  /** When undefined in a request, the notes don't change (in a render: the rendered notes). */
  notes?: string | undefined;
}

export type HelmReleaseStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback';

/** The value of `data.release` in a release's Secret, as in the Secret's JSON (base64 of base64 of gzip of JSON). */
export type HelmPayload = string;

/** A release, encoded as Helm stores it. */
export interface HelmStored {
  payload: HelmPayload;
  /** The size that the API server counts against a Secret's limit of 1 MiB, in bytes. */
  bytes: number;
  /** Flux's snapshot digest, `sha256:<hex>`. */
  digest: string;
  /** The largest parts, largest first, in bytes before compression: `chart templates/x.yaml`, `manifest`, `config` … */
  largest: { what: string; bytes: number }[];
}

/** A release that was rendered just now, or read from a stored one. */
export interface HelmRelease {
  name: string;
  namespace: string;
  version: number;
  applyMethod: '' | 'ssa' | 'csa';
  chart: HelmChartMetadata;
  info: HelmReleaseInfo;
  /** The user's values. */
  values: ValuesText;
  /** Flux's `configDigest` of `values`. */
  configDigest: string;
  /** As stored: YAML documents, each with the file that it came from. */
  manifest: string;
  /** Objects of the manifest, in Helm's install order; empty when they weren't requested. */
  objects: RenderedObject[];
  /** The hooks of all events, in the order in which Helm runs them: by weight, then name, then kind. */
  hooks: HelmHook[];
}

export interface HelmRenderResult extends HelmRelease {
  ociDigest?: string;
  stored?: HelmStored;
  /** Whether templates looked up objects: then the same request may have another result later. */
  usedLookups: boolean;
  /**
   * Warns of a deprecated chart, and of integers in objects that JavaScript's numbers can't represent (beyond 2^53).
   */
  warnings: string[];
}

/** Changes to a stored release. Fields that are undefined don't change. */
export interface HelmUpdateRequest {
  payload: HelmPayload;
  version?: number | undefined;
  info?: Partial<HelmReleaseInfo> | undefined;
  applyMethod?: 'ssa' | 'csa' | undefined;
  /** The last runs of hooks. As in Helm, a hook without a delete policy gets the default policy when it runs. */
  hooks?: readonly { index: number; lastRun: HelmHookRun }[] | undefined;
  /** The index of each hook exactly once, in the order to store them in; `hooks` uses the indexes from before. */
  hookOrder?: readonly number[] | undefined;
  /** Part of the digest, as in Flux. */
  ociDigest?: string | undefined;
}

/** One object of a client-side three-way merge. */
export interface HelmMergeItem {
  /** From the last release; null when it did not have the object. */
  original: object | null;
  /** From the new release. */
  modified: object;
  live: object;
}

/** The request that applies a merge. */
export interface HelmMergePatch {
  type: 'application/strategic-merge-patch+json' | 'application/merge-patch+json';
  /** `{}` when nothing changes: Helm sends no request then. */
  patch: string;
}

/** Every call rejects with a RenderError; Helm's own reasons are documented with each operation. */
export interface HelmOperations {
  /**
   * Merges values in order, by Flux's rules (inline ones before each `targetPath` and once more at the end).
   * `ValuesError`, whose `origin` names the layer that can't be read or set at its path; `ChartLoadError`.
   */
  helmValues(request: HelmValuesRequest, options: RequestOptions): Promise<HelmValuesResult>;
  /** The metadata of a packed chart. `ChartLoadError` when the file is not a chart, or its version isn't its tag. */
  helmChart(chart: HelmChartFile, options: RequestOptions): Promise<HelmChartResult>;
  /**
   * Renders a chart as install or upgrade would. `ChartLoadError`; `RenderFailed` for a template (with file and line),
   * a schema (with path and rule), a kubeVersion, a post-renderer, or a look-up; the messages are Helm's own.
   */
  helmRender(
    request: HelmRenderRequest,
    options: RequestOptions & HelmAnswers,
  ): Promise<HelmRenderResult>;
  /**
   * The files in the folders `crds/` of a chart and of the subcharts that these values enable, in the order in which
   * they are applied. `ChartLoadError`, `RenderFailed`.
   */
  helmCrds(
    request: { chart: HelmChartFile; values: ValuesText },
    options: RequestOptions,
  ): Promise<{ file: string; objects: RenderedObject[] }[]>;
  /**
   * Reads a stored release. `objects` says whether manifest and hooks are parsed into objects. `ReleaseCorrupt` when it
   * can't be decoded.
   */
  helmDecode(
    request: { payload: HelmPayload; objects?: boolean; ociDigest?: string | undefined },
    options: RequestOptions,
  ): Promise<HelmRelease & { digest: string; bytes: number }>;
  /** Changes a stored release. A rollback is the target's payload with another version and info. */
  helmUpdate(request: HelmUpdateRequest, options: RequestOptions): Promise<HelmStored>;
  /**
   * Helm's client-side three-way patches, in the given order: strategic for Kubernetes' built-in kinds; for others a
   * JSON merge patch from `original` to `modified`, or with `threeWayForOthers` (Helm: `take ownership`) from all three
   * objects. `MergeFailed`.
   */
  helmMerge(
    request: { objects: readonly HelmMergeItem[]; threeWayForOthers?: boolean },
    options: RequestOptions,
  ): Promise<HelmMergePatch[]>;
}
