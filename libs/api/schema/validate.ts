// Does with an object of one of our kinds what the API server does: it drops nulls and unknown fields, sets defaults,
// and validates the result. For messages, tests, and objects that don't come from an API server.
import Value from 'typebox/value';
import type { Kind, Resource } from './kind.ts';

export type Validation<Object> = { ok: true; object: Object } | { ok: false; errors: string[] };

/**
 * Returns the object with its defaults, or what is wrong with it, one line for each error: `spec.interval: …`. The
 * argument is not changed. Unlike the API server with Flux's CRDs, it requires a spec, since the types promise one.
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

/** Returns a copy as the API server would store it: without nulls and unknown fields, with defaults. */
export function withDefaults(kind: Kind, object: unknown): unknown {
  const stored = Value.Clean(kind.schema, dropNulls(object));
  return Value.Default(kind.schema, stored);
}

/** A null in an object counts as an absent field; in a list it is a value (and an invalid one). */
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
