// The pieces that the kinds' schemas are made of. Each takes the description that `kubectl explain`
// shows, and whatever else of a schema the field needs.
import {
  type Static,
  type TObject,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TSchemaOptions,
  type TStringOptions,
  Type,
} from 'typebox';

/** A rule that the API server evaluates in CEL, with the same check for our own validator. */
export interface Rule<Value> {
  readonly rule: string;
  readonly message: string;
  holds(value: Value): boolean;
}

export const CEL_RULES = 'x-kubernetes-validations';

/** A Go duration: decimal numbers with units, largest used first or not: `1h30m`, `90s`. */
export const DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';
/** A Go duration for the length of one operation; hours are not offered. */
export const SHORT_DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m))+$';

export const optional = Type.Optional;

export function text(description: string, options: TStringOptions = {}) {
  return Type.String({ description, ...options });
}

export function flag(description: string, options: TSchemaOptions = {}) {
  return Type.Boolean({ description, ...options });
}

export function int64(description: string, options: TSchemaOptions = {}) {
  return Type.Integer({ description, format: 'int64', ...options });
}

export function time(description: string) {
  return Type.String({ description, format: 'date-time' });
}

export function duration(description: string, options: TStringOptions = {}) {
  return Type.String({ description, pattern: DURATION, ...options });
}

export function shortDuration(description: string, options: TStringOptions = {}) {
  return Type.String({ description, pattern: SHORT_DURATION, ...options });
}

export function choice<const Values extends string[]>(
  values: readonly [...Values],
  description: string,
  options: TSchemaOptions = {},
) {
  return Type.Enum(values, { type: 'string', description, ...options });
}

export function list<Item extends TSchema>(items: Item, description: string) {
  return Type.Array(items, { description });
}

/** A map of strings, such as labels. */
export function dictionary(description: string) {
  return Type.Record(Type.String(), Type.String(), { description });
}

export function object<Properties extends TProperties>(
  properties: Properties,
  description: string,
  options: TObjectOptions & { rules?: readonly Rule<Static<TObject<Properties>>>[] } = {},
): TObject<Properties> {
  const { rules = [], ...rest } = options;
  const cel = rules.map(({ rule, message }) => ({ message, rule }));
  const plain = Type.Object(properties, {
    description,
    ...rest,
    ...(cel.length > 0 && { [CEL_RULES]: cel }),
  });
  return rules.reduce<TObject<Properties>>((schema, rule) => refine(schema, rule), plain);
}

/** The API server evaluates CEL only on objects that are otherwise valid, so `holds` may trust the type. */
function refine<Properties extends TProperties>(
  schema: TObject<Properties>,
  rule: Rule<Static<TObject<Properties>>>,
): TObject<Properties> {
  return Type.Refine(
    schema,
    (value) => rule.holds(value),
    () => rule.message,
  );
}

/** A reference by name, within the namespace of the object that holds it. */
export function localReference(description: string, referent: string) {
  return object({ name: text(`Name of the ${referent}.`) }, description);
}
