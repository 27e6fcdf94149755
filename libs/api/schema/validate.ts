// What the API server does with an object of one of our kinds: drop nulls and unknown fields, fill in
// defaults, judge the result. For messages, tests, and objects that didn't come from an API server.
import Value from 'typebox/value';
import type { Kind, Resource } from './kind.ts';

export type Validation<Object> = { ok: true; object: Object } | { ok: false; errors: string[] };

/**
 * The object with its defaults, or what is wrong with it, one line an error: `spec.interval: …`.
 * The argument is left as it is. Other than the API server with Flux's CRDs, it wants a spec, since
 * the types promise one.
 */
export function validate<Spec, Status>(
  kind: Kind<Spec, Status>,
  object: unknown,
): Validation<Resource<Spec, Status>> {
  const complete = withDefaults(kind, object);
  const errors = [...identityErrors(kind, complete), ...schemaErrors(kind, complete)];
  return errors.length > 0 || !isResource<Spec, Status>(complete)
    ? { ok: false, errors }
    : { ok: true, object: complete };
}

/** A copy as the API server would store it: no nulls, no unknown fields, defaults filled in. */
export function withDefaults(kind: Kind, object: unknown): unknown {
  const stored = Value.Clean(kind.schema, dropNulls(object));
  return Value.Default(kind.schema, stored);
}

/** Nulls in objects are as good as absent, those in lists are values (and wrong ones). */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, dropNulls(item)]));
}

function identityErrors(kind: Kind, object: unknown): string[] {
  const { apiVersion, kind: name, spec } = Object(object);
  return [
    ...(apiVersion === kind.apiVersion ? [] : [`apiVersion: must be ${kind.apiVersion}`]),
    ...(name === kind.kind ? [] : [`kind: must be ${kind.kind}`]),
    ...(spec === undefined ? ['spec: is required'] : []),
  ];
}

function schemaErrors(kind: Kind, object: unknown): string[] {
  return Value.Errors(kind.schema, object).flatMap((error) => {
    const at = (name?: string) => [...path(error.instancePath), ...(name ? [name] : [])].join('.');
    if (error.keyword === 'required') {
      return error.params.requiredProperties.map((name) => `${at(name)}: is required`);
    }
    if (error.keyword === 'enum') {
      return `${at()}: must be one of ${error.params.allowedValues.join(', ')}`;
    }
    return `${at()}: ${error.message}`;
  });
}

/** The steps of a JSON pointer (RFC 6901). */
function path(pointer: string): string[] {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isResource<Spec, Status>(value: unknown): value is Resource<Spec, Status> {
  return typeof value === 'object' && value !== null && 'spec' in value;
}
