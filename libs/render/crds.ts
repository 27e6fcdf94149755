// What would break if a custom resource definition were replaced by another.
import type { RequestOptions } from './job.ts';
import type { Send } from './send.ts';

export interface CrdComparison {
  /** The CRD as it is in the cluster, with its status. */
  live: object;
  next: object;
  /** Stored objects of the kind, read in any version that is served; at most 10,000 a call. */
  objects: readonly object[];
}

export interface CrdProblem {
  /**
   * `NotTheSame`: group, scope, kind or plural is another. `StoredVersionGone`, `StoredVersionNotServed`: of a version in which
   * objects may be stored (`status.storedVersions`). `SchemaInvalid`: no structural schema. `ObjectInvalid`: a stored object
   * breaks the new schema. `FieldsLost`: it has fields that the new schema doesn't have.
   */
  what:
    | 'NotTheSame'
    | 'StoredVersionGone'
    | 'StoredVersionNotServed'
    | 'SchemaInvalid'
    | 'ObjectInvalid'
    | 'FieldsLost';
  /** False for what is only worth a warning: lost fields. */
  blocks: boolean;
  version?: string;
  /** `namespace/name` or `name` of a stored object. */
  object?: string;
  /** What would break, as it can be shown; it has no values of objects. */
  message: string;
}

export interface CrdComparisonResult {
  problems: CrdProblem[];
  /** Objects with problems beyond the ten that are named. */
  moreObjects: number;
}

export interface CrdOperations {
  /**
   * Compares a CRD with its successor by the API server's own library: defaults are filled in before objects are validated; rules in
   * CEL aren't evaluated, as the API server lets stored objects break new ones. Versions with a conversion webhook are validated as
   * they were read. `InvalidRequest` for what is no CRD.
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
