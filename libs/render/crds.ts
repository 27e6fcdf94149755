// What would break if a custom resource definition were replaced by a new one.
import type { RequestOptions } from './job.ts';
import type { Send } from './send.ts';

export interface CrdComparison {
  /** The CRD as it is in the cluster, with its status. */
  live: object;
  next: object;
  /** Stored objects of the kind, read in any version that is served; at most 10,000 per call. */
  objects: readonly object[];
}

export interface CrdProblem {
  /**
   * `NotTheSame`: group, scope, kind or plural differs. `StoredVersionGone`, `StoredVersionNotServed`: for a version in
   * which objects may be stored (`status.storedVersions`). `SchemaInvalid`: no structural schema. `ObjectInvalid`: a
   * stored object is invalid under the new schema. `FieldsLost`: it has fields that the new schema doesn't have.
   */
  what:
    | 'NotTheSame'
    | 'StoredVersionGone'
    | 'StoredVersionNotServed'
    | 'SchemaInvalid'
    | 'ObjectInvalid'
    | 'FieldsLost';
  /** False for problems that are only worth a warning: lost fields. */
  blocks: boolean;
  version?: string;
  /** `namespace/name` or `name` of a stored object. */
  object?: string;
  /** What would break. It contains no values of objects, so it may be shown to users. */
  message: string;
}

export interface CrdComparisonResult {
  problems: CrdProblem[];
  /** How many more objects have problems, beyond the ten that are named. */
  moreObjects: number;
}

export interface CrdOperations {
  /**
   * Compares a CRD with a new one by the API server's own library. Defaults are set before objects are validated; rules
   * in CEL aren't evaluated, as the API server accepts stored objects that violate new rules. Versions with a
   * conversion webhook are validated as they were read. `InvalidRequest` when one of them is not a CRD.
   */
  compareCrds(comparison: CrdComparison, options: RequestOptions): Promise<CrdComparisonResult>;
}

export function crdOperations(send: Send): CrdOperations {
  return {
    async compareCrds(comparison, options) {
      const answer = await send('crd.compare', JSON.stringify(comparison), options);
      return answer as CrdComparisonResult;
    },
  };
}
