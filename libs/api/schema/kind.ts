// A kind: a TypeBox schema with its names and columns. The static type, the validator (validate.ts) and the
// CustomResourceDefinition (crd.ts) are all derived from this one value.
import type { KubeObject, ResourceType } from '@weir/kube';
import type { Static, TObject, TSchema } from 'typebox';
import { object, optional, text } from './schema.ts';
import { schemaOf } from './typebox.ts';

/** An object of a kind as in the API server. `Status` is `never` for kinds without one. */
export type Resource<Spec, Status = never> = KubeObject & { spec: Spec; status?: Status };

/** A column of `kubectl get`. One with a `priority` above 0 is shown only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'date' | 'integer' | 'boolean';
  readonly jsonPath: string;
  readonly priority?: number;
}

/** The names of a kind: its group and version, and its names for the API server and kubectl. */
export interface KindNames {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories: readonly string[];
  readonly description: string;
  readonly columns: readonly Column[];
}

/** A version in which the API server accepts and returns objects of a kind. */
export interface KindVersion {
  readonly version: string;
  /** The schema of the whole object: apiVersion, kind, metadata, spec and, for kinds that have one, status. */
  readonly schema: TObject;
}

export interface Kind<Spec = unknown, Status = unknown> extends ResourceType {
  readonly apiVersion: string;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly Column[];
  readonly description: string;
  readonly hasStatus: boolean;
  /** The schema of the whole object: apiVersion, kind, metadata, spec and, for kinds that have one, status. */
  readonly schema: TObject;
  /**
   * Older versions that are served too, for existing objects and tools. Objects are stored in `version` and no field is
   * converted: `schema` must therefore have every field of the older versions, or the API server would drop it.
   */
  readonly olderVersions: readonly KindVersion[];
  /** Only for the type checker, which takes the type of objects from it; never set. */
  readonly shape?: Resource<Spec, Status>;
}

/** The object type of a kind: `ObjectOf<typeof Kustomization>`. */
export type ObjectOf<K> = K extends Kind<infer Spec, infer Status> ? Resource<Spec, Status> : never;

export const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
export const READY_COLUMNS: readonly Column[] = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
];

/** Makes a kind from its names and the schemas of its spec and, if it has one, of its status. */
export function defineKind<Spec extends TSchema, Status extends TSchema>(
  names: KindNames,
  spec: Spec,
  status: Status,
): Kind<Static<Spec>, Static<Status>>;
export function defineKind<Spec extends TSchema>(
  names: KindNames,
  spec: Spec,
): Kind<Static<Spec>, never>;
export function defineKind(names: KindNames, spec: TSchema, status?: TSchema): Kind {
  return {
    ...names,
    namespaced: true,
    apiVersion: `${names.group}/${names.version}`,
    singular: names.kind.toLowerCase(),
    listKind: `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    hasStatus: status !== undefined,
    schema: wholeObject(names.description, spec, status),
    olderVersions: [],
  };
}

/** Adds an older version to a kind, with a schema of its own for the spec. For kinds without a status. */
export function alsoServed<Spec>(
  kind: Kind<Spec, never>,
  version: string,
  spec: TSchema,
): Kind<Spec, never> {
  const older = { version, schema: wholeObject(kind.description, spec, undefined) };
  return { ...kind, olderVersions: [...kind.olderVersions, older] };
}

/** The API server itself describes and checks metadata. */
const METADATA = schemaOf<TObject>('Object', {
  type: 'object',
  properties: {},
  additionalProperties: true,
});

function wholeObject(description: string, spec: TSchema, status: TSchema | undefined): TObject {
  return object(
    {
      apiVersion: optional(text('The API group and version that this object is written in.')),
      kind: optional(text('The kind of this object.')),
      metadata: optional(METADATA),
      spec: optional(spec),
      ...(status && { status: optional(status) }),
    },
    description,
  );
}
