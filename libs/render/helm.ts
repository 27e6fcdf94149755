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
  /**
   * One value that is put at a path, by the rules of `helm --set` unless `literal`. With `secret`, a message says nothing
   * of the text.
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
  /** `spec.values` as JSON text, as the API server sent it or as `JSON.stringify` gives it; nothing where it isn't set. */
  inline?: string | undefined;
  /** Adds the chart's own values: `all`, and the origin `chart` of what no layer set. */
  chart?: HelmChartFile | undefined;
}

export interface HelmValuesResult {
  values: ValuesText;
  /** Flux's `configDigest`: `sha256:<hex>`. */
  digest: string;
  /**
   * Who set each value, as a JSON pointer: an `origin` of a layer, or `spec.values`. Empty maps and lists aren't named, and of
   * more than 10,000 values only the first.
   */
  origins: Record<string, string>;
  /** What templates see: the values together with those of the chart and of the charts below it that are switched on. */
  all?: ValuesText;
}

/** A packed chart. */
export interface HelmChartFile extends ArtifactFile {
  /**
   * The revision of an OCIRepository, or of an ExternalArtifact whose revision has a digest: checked against the chart's
   * version, and 12 characters of the digest become its build metadata, as in Flux. Left out for other sources.
   */
  sourceRevision?: string | undefined;
  /** Leaves the version as it is all the same (Flux's DisableChartDigestTracking). */
  keepVersion?: boolean | undefined;
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
  /** Whether it or a chart below it has a folder `crds/` with something in it. */
  hasCrds: boolean;
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
    /** By Helm's rules: 53 characters at most, lower case. */
    name: string;
    namespace: string;
    revision: number;
    /** False is an upgrade. */
    isInstall: boolean;
  };
  capabilities: {
    /** What the API server's `/version` says. */
    kubeVersion: { version: string; major: string; minor: string };
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

/** What a render asks for. What these throw fails the render with their message. */
export interface HelmAnswers {
  /**
   * The object, or the list with its `items`, as the API server gives it; null where there is none. A group or version
   * that the API server doesn't have is to be thrown, as Helm fails then. At most 1,000 a render, with 8 MiB
   * altogether; one at a time, and each question once.
   */
  lookup(lookup: HelmLookup, signal: AbortSignal): Promise<object | null>;
  /** The text that is at an HTTP(S) URL to which `values.schema.json` refers; left out, such a reference is refused. */
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
  /** RFC 3339; left out where the hook never ran. */
  startedAt?: string | undefined;
  completedAt?: string | undefined;
  phase: '' | 'Unknown' | 'Running' | 'Succeeded' | 'Failed';
}

export interface HelmHook {
  /** Where it is in the list of hooks as it is stored; `helmUpdate` takes it. */
  index: number;
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
  /** What its manifest has: one object, or those of a list; none where objects weren't asked for. */
  objects: RenderedObject[];
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
  /** As it is stored: YAML documents, each with the file that it came from. */
  manifest: string;
  /** Objects of the manifest, in Helm's install order; empty where they weren't asked for. */
  objects: RenderedObject[];
  /** Of all events, in Helm's order of running: by weight, then name, then kind. */
  hooks: HelmHook[];
}

export interface HelmRenderResult extends HelmRelease {
  ociDigest?: string;
  stored?: HelmStored;
  /** Whether templates looked something up: then the same request may come to something else later. */
  usedLookups: boolean;
  /** That the chart is deprecated, and integers in objects that JavaScript's numbers can't hold (beyond 2^53). */
  warnings: string[];
}

/** Changes to a stored release; what is left out stays. */
export interface HelmUpdateRequest {
  payload: HelmPayload;
  version?: number | undefined;
  info?: Partial<HelmReleaseInfo> | undefined;
  applyMethod?: 'ssa' | 'csa' | undefined;
  /** Last runs of hooks. As with Helm, one that names no delete policy gets the default one when it runs. */
  hooks?: readonly { index: number; lastRun: HelmHookRun }[] | undefined;
  /** The index of each hook once, in the order in which they are to be stored; `hooks` has the indexes of before. */
  hookOrder?: readonly number[] | undefined;
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
   * `ValuesError`, whose `origin` names the layer that can't be read or put where it should be; `ChartLoadError`.
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
    options: RequestOptions & HelmAnswers,
  ): Promise<HelmRenderResult>;
  /**
   * What is in the folders `crds/` of a chart and of the charts below it that these values switch on, by file in the order in
   * which they are applied. `ChartLoadError`, `RenderFailed`.
   */
  helmCrds(
    request: { chart: HelmChartFile; values: ValuesText },
    options: RequestOptions,
  ): Promise<{ file: string; objects: RenderedObject[] }[]>;
  /**
   * Reads a stored release. `objects` says whether manifest and hooks are parsed into objects. `ReleaseCorrupt` for what
   * can't be decoded.
   */
  helmDecode(
    request: { payload: HelmPayload; objects?: boolean; ociDigest?: string | undefined },
    options: RequestOptions,
  ): Promise<HelmRelease & { digest: string; bytes: number }>;
  /** A stored release with changes. A rollback is the target's payload with another version and info. */
  helmUpdate(request: HelmUpdateRequest, options: RequestOptions): Promise<HelmStored>;
  /**
   * Helm's client-side three-way patches, in the order given: strategic for kinds that are built into Kubernetes, else a JSON
   * merge patch from `original` to `modified`, or with `threeWayForOthers` (Helm: `take ownership`) from all three. `MergeFailed`.
   */
  helmMerge(
    request: { objects: readonly HelmMergeItem[]; threeWayForOthers?: boolean },
    options: RequestOptions,
  ): Promise<HelmMergePatch[]>;
}
