// Schemas of the references that kinds share, and functions that resolve and format a reference.
import type { Static } from 'typebox';
import { flag, object, optional, text } from './schema/schema.ts';

/** Selects objects of a build: a field that is left out matches everything. */
export function objectSelector(description: string) {
  const anchored = 'A regular expression that must match the whole value.';
  return object(
    {
      group: optional(text('API group to match, such as `apps`.')),
      version: optional(text('API version to match, such as `v1`.')),
      kind: optional(text('Kind to match, such as `Deployment`.')),
      name: optional(text(`Name to match. ${anchored}`)),
      namespace: optional(text(`Namespace to match. ${anchored}`)),
      labelSelector: optional(
        text('Label selector in the syntax of `kubectl get -l`, such as `app=web,tier!=cache`.'),
      ),
      annotationSelector: optional(
        text('Selector over annotations, in the syntax of a label selector.'),
      ),
    },
    description,
  );
}

/** One object of the cluster by kind and name. */
export function kindReference(description: string) {
  return object(
    {
      apiVersion: optional(
        text(
          'API version of the object. Without it the version that the API server prefers is used.',
        ),
      ),
      kind: text('Kind of the object.'),
      name: text('Name of the object.'),
      namespace: optional(
        text('Namespace of the object. Without it, the namespace of the object that refers to it.'),
      ),
    },
    description,
  );
}

export function dependencyReference(description: string) {
  return object(
    {
      apiVersion: optional(
        text(
          'API version of the object to wait for, if it is of another kind. Not needed for the kinds of Flux. An addition of Weir.',
        ),
      ),
      kind: optional(
        text(
          'Kind of the object to wait for. Defaults to the kind of this object. An addition of Weir.',
        ),
      ),
      name: text('Name of the object to wait for.'),
      namespace: optional(
        text('Namespace of the object to wait for. Defaults to the namespace of this object.'),
      ),
      ready: optional(
        flag(
          'Wait until the object is ready (the default), or only until it exists. An addition of Weir.',
        ),
      ),
      readyExpr: optional(
        text(
          'CEL expression that decides, in place of the Ready condition, whether the dependency is ready. `self` is this object and `dep` is the one that it waits for.',
        ),
      ),
    },
    description,
  );
}

export type ObjectSelector = Static<ReturnType<typeof objectSelector>>;
export type KindReference = Static<ReturnType<typeof kindReference>>;
export type DependencyReference = Static<ReturnType<typeof dependencyReference>>;

/** The object that a reference of `owner` names: in the owner's namespace unless the reference has one. */
export function resolveReference(
  reference: { name: string; namespace?: string },
  owner: { metadata: { namespace?: string } },
): { namespace: string; name: string } {
  return {
    namespace: reference.namespace || (owner.metadata.namespace ?? ''),
    name: reference.name,
  };
}

/** Formats a reference as in Flux's messages: `Kind/namespace/name`, or `Kind/name` without a namespace. */
export function formatReference(reference: {
  kind: string;
  name: string;
  namespace?: string;
}): string {
  const { kind, namespace, name } = reference;
  return namespace ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}
