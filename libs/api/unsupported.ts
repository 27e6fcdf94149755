// Fields of Flux's APIs whose behaviour does not exist yet. They are part of the schema, so that
// manifests stay valid, and an object that uses one says so instead of being half obeyed.
import type { KubeObject } from '@weir/kube';

/**
 * A field that must not be used: its path (`spec.decryption`, `spec.dependsOn[].readyExpr`), and the
 * values that are all the same fine. Nothing, false and empty are always fine: they ask for nothing.
 */
export type UnsupportedRule =
  | string
  | { readonly path: string; readonly allowed: readonly unknown[] };

/** The paths of the fields that `object` uses against the rules, such as `spec.dependsOn[1].readyExpr`. */
export function unsupportedFields(object: KubeObject, rules: readonly UnsupportedRule[]): string[] {
  return rules.flatMap((rule) => {
    const { path, allowed } = typeof rule === 'string' ? { path: rule, allowed: [] } : rule;
    return valuesAt(object, path)
      .filter(({ value }) => asksForSomething(value) && !allowed.includes(value))
      .map((found) => found.path);
  });
}

/** What the condition of such an object says. */
export function unsupportedMessage(fields: readonly string[]): string {
  const [verb, them] = fields.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return `${fields.join(', ')} ${verb} not supported yet: remove ${them}, or see the documentation for what works today`;
}

interface Found {
  readonly path: string;
  readonly value: unknown;
}

function valuesAt(object: KubeObject, path: string): Found[] {
  return path.split('.').reduce<Found[]>(
    (found, step) => {
      const name = step.replace(/\[\]$/, '');
      const next = found.map((parent) => child(parent, name));
      return step === name ? next : next.flatMap(items);
    },
    [{ path: '', value: object }],
  );
}

function child({ path, value }: Found, name: string): Found {
  const inner = new Map(Object.entries(isObject(value) ? value : {})).get(name);
  return { path: path ? `${path}.${name}` : name, value: inner };
}

function items({ path, value }: Found): Found[] {
  return Array.isArray(value)
    ? value.map((item, index) => ({ path: `${path}[${index}]`, value: item }))
    : [];
}

function asksForSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  return !isObject(value) || Object.keys(value).length > 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
