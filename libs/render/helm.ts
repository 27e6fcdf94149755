// What the engine does for a HelmRelease, by Helm's own library: values, rendering, stored releases, patches.
import type { RequestOptions } from './job.ts';
import type { ArtifactFile, Image, Patch, RenderedObject } from './requests.ts';

/**
 * Values as the text of a JSON object. The text is exact where JavaScript's numbers aren't (Go tells `1` from `1.0`, and
 * templates print them differently): it may be parsed to be looked at, but only the text itself goes back to the engine.
 */
export type ValuesText = string;

/** One source of values. `origin` names it in `origins` and in errors. */
export type HelmValuesLayer =
  /** A values file: YAML text of a map. */
  | { origin: string; yaml: string }
  /** One value that is put at a path, by the rules of `helm --set` unless `literal`. */
  | { origin: string; text: string; targetPath: string; literal?: boolean | undefined };

export interface HelmValuesRequest {
  /** `spec.valuesFrom`, resolved, in its order. */
  layers: readonly HelmValuesLayer[];
  /** `spec.values` as JSON text, as the API server sent it or as `JSON.stringify` gives it; nothing where it isn't set. */
  inline?: string | undefined;
}

export interface HelmValuesResult {
  values: ValuesText;
  /** Flux's `configDigest`: `sha256:<hex>`. */
  digest: string;
  /**
   * For each leaf of the values, as a JSON pointer: who set it, an `origin` of a layer or `spec.values`. At most 10,000
   * leaves: what is deeper in a map with more than that is named by the map.
   */
  origins: Record<string, string>;
}

/** A packed chart, and the source's revision where it is an OCIRepository (`<tag>@sha256:…`). */
export interface HelmChartFile extends ArtifactFile {
  /**
   * Of an OCIRepository's artifact: checked against the chart's version, and 12 characters of the digest become its build
   * metadata, as in Flux. Left out, the chart's version stays as it is.
   */
  sourceRevision?: string | undefined;
}

/** What Chart.yaml says. */
export interface HelmChartMetadata {
  name: string;
  /** With the build metadata that `sourceRevision` brought. */
  version: string;
  appVersion: string;
  kubeVersion: string;
  type: string;
  deprecated: boolean;
}

export interface HelmChartResult extends HelmChartMetadata {
  /** Of the source revision; Flux keeps it in the snapshot. */
  ociDigest?: string;
}

/** Metadata that is set on every object, after everything else but the origin labels. */
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
    /** 53 characters at most (see `helmReleaseName`). */
    name: string;
    namespace: string;
    revision: number;
    /** False is an upgrade. */
    isInstall: boolean;
  };
  capabilities: {
    /** `gitVersion` of the API server: `v1.36.0`. */
    kubeVersion: string;
    /** Each `group/version` and `group/version/Kind` that the API server has (`v1`, `apps/v1`, `apps/v1/Deployment`). */
    apiVersions: readonly string[];
  };
  options?: {
    /** `disableSchemaValidation`. */
    skipSchemaValidation?: boolean | undefined;
    /** How the release's objects will be applied, resolved: it is stored with the release. */
    applyMethod?: 'ssa' | 'csa' | undefined;
  };
  /**
   * `upgrade.preserveValues`: the payload of the deployed release, whose values stay under the new ones. The result's
   * `values` are what came of it.
   */
  preserveValuesOf?: HelmPayload | undefined;
  postRender: {
    strategy: 'combined' | 'separate' | 'nohooks';
    renderers?: readonly HelmPostRenderer[] | undefined;
    commonMetadata?: HelmCommonMetadata | undefined;
    /** The HelmRelease's own name and namespace, for the origin labels; left out, none are set. */
    origin?: { name: string; namespace: string } | undefined;
  };
  /** With it the release is encoded too: `stored` in the result. */
  info?: HelmReleaseInfo | undefined;
}

/** What a template's `lookup` asks for: one object, or all of a namespace (or of the cluster) where `name` is empty. */
export interface HelmLookup {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/**
 * Answers a look-up: the object or the list as it came from the API server (a list has `items`), null where there is no such
 * object or kind. What it throws fails the render with that message. At most 1,000 a render, 8 MiB all together, one
 * at a time; the same question is asked once.
 */
export type HelmLookups = (lookup: HelmLookup, signal: AbortSignal) => Promise<object | null>;

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
  /** RFC 3339; left out where the hook never ran. */
  startedAt?: string | undefined;
  completedAt?: string | undefined;
  phase: '' | 'Unknown' | 'Running' | 'Succeeded' | 'Failed';
}

export interface HelmHook {
  name: string;
  kind: string;
  /** File in the chart. */
  path: string;
  events: HelmHookEvent[];
  weight: number;
  /** As stored: Helm's default `before-hook-creation` isn't filled in where none is named. */
  deletePolicies: ('hook-succeeded' | 'hook-failed' | 'before-hook-creation')[];
  outputLogPolicies: ('hook-succeeded' | 'hook-failed')[];
  lastRun: HelmHookRun;
  /** The manifest's object; null where objects weren't asked for. */
  object: RenderedObject | null;
}

/** The times, status and texts of a stored release. Times are RFC 3339, with up to nanoseconds. */
export interface HelmReleaseInfo {
  firstDeployed?: string | undefined;
  lastDeployed?: string | undefined;
  deleted?: string | undefined;
  status: HelmReleaseStatus;
  description: string;
  /** Left out in a request, what is there stays (for a render: the rendered notes). */
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

/** What is in `data.release` of a release's Secret, as it stands in the Secret's JSON (base64 of base64 of gzip of JSON). */
export type HelmPayload = string;

/** A release encoded by Helm's rules. */
export interface HelmStored {
  payload: HelmPayload;
  /** What the API server counts against a Secret's 1 MiB, in bytes. */
  bytes: number;
  /** Flux's snapshot digest, `sha256:<hex>`. */
  digest: string;
  /** What makes it so large, the largest first, in bytes before compression: `chart templates/x.yaml`, `manifest`, `config` … */
  largest: { what: string; bytes: number }[];
}

/** What is read from a release, rendered just now or stored. */
export interface HelmRelease {
  name: string;
  namespace: string;
  version: number;
  applyMethod: '' | 'ssa' | 'csa';
  chart: HelmChartMetadata;
  info: HelmReleaseInfo;
  /** The user's values. */
  values: ValuesText;
  /** Flux's `configDigest` of these. */
  configDigest: string;
  /** Objects of the manifest, in Helm's install order; empty where they weren't asked for. */
  objects: RenderedObject[];
  /** In Helm's order of running: by weight, then kind, then name; of all events. */
  hooks: HelmHook[];
}

export interface HelmRenderResult extends HelmRelease {
  /** The manifest as it is stored. */
  manifest: string;
  /** Of `crds/`, subcharts' included, by file in the order in which they are applied. */
  crds: { file: string; objects: RenderedObject[] }[];
  ociDigest?: string;
  stored?: HelmStored;
  /** Whether templates looked something up: then the same request may come to something else later. */
  usedLookups: boolean;
  warnings: string[];
}

/** Changes to a stored release; what is left out stays. */
export interface HelmUpdateRequest {
  payload: HelmPayload;
  version?: number | undefined;
  info?: Partial<HelmReleaseInfo> | undefined;
  applyMethod?: 'ssa' | 'csa' | undefined;
  /** Last runs of hooks, by path and name of the hook. */
  hooks?: readonly { path: string; name: string; lastRun: HelmHookRun }[] | undefined;
  /** Goes into the digest as in Flux. */
  ociDigest?: string | undefined;
}

/** One object of a client-side three-way merge. */
export interface HelmMergeItem {
  /** As the last release had it; null where it didn't. */
  original: object | null;
  /** As the new release has it. */
  modified: object;
  live: object;
}

/** The request that a merge comes to. */
export interface HelmMergePatch {
  type: 'application/strategic-merge-patch+json' | 'application/merge-patch+json';
  /** `{}` where nothing changes: then Helm sends nothing. */
  patch: string;
}

/** Every call rejects with a RenderError; the reasons that are Helm's own stand with each. */
export interface HelmOperations {
  /**
   * Composes values in order, by Flux's rules (inline ones are merged before each `targetPath` and once more at the end).
   * `ValuesError`, whose `origin` names the layer that can't be read or put where it should be.
   */
  helmValues(request: HelmValuesRequest, options: RequestOptions): Promise<HelmValuesResult>;
  /** What a packed chart is. `ChartLoadError` for what is no chart, or one whose version isn't its tag. */
  helmChart(chart: HelmChartFile, options: RequestOptions): Promise<HelmChartResult>;
  /**
   * Renders a chart as install or upgrade would. `ChartLoadError`; `RenderFailed` for a template (with file and line), a schema
   * (with path and rule), a kubeVersion, a post-renderer, or a look-up; messages are Helm's own.
   */
  helmRender(
    request: HelmRenderRequest,
    options: RequestOptions & { lookup: HelmLookups },
  ): Promise<HelmRenderResult>;
  /**
   * Reads a stored release. `objects` says whether manifest and hooks are parsed into objects. `ReleaseCorrupt` for what
   * can't be decoded.
   */
  helmDecode(
    request: { payload: HelmPayload; objects?: boolean; ociDigest?: string | undefined },
    options: RequestOptions,
  ): Promise<HelmRelease & { manifest: string; digest: string; bytes: number }>;
  /** A stored release with changes. A rollback is the target's payload with another version and info. */
  helmUpdate(request: HelmUpdateRequest, options: RequestOptions): Promise<HelmStored>;
  /**
   * Helm's client-side three-way patches, in the order given: strategic for kinds that are built into Kubernetes, else a JSON merge
   * patch (which for other kinds than CRDs' is a three-way one too where `threeWayForOthers`).
   */
  helmMerge(
    request: { objects: readonly HelmMergeItem[]; threeWayForOthers?: boolean },
    options: RequestOptions,
  ): Promise<HelmMergePatch[]>;
}
