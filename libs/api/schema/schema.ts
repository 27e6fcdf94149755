// The parts that the kinds' schemas are made of. Each function takes the description that `kubectl explain` shows, and
// further keywords for the field.
import type {
  Static,
  TArray,
  TArrayOptions,
  TBoolean,
  TEnum,
  TInteger,
  TObject,
  TObjectOptions,
  TProperties,
  TRecord,
  TSchema,
  TSchemaOptions,
  TString,
  TStringOptions,
  TUnknown,
} from 'typebox';
import { isOptional, refined, schemaOf } from './typebox.ts';

export { optional } from './typebox.ts';

/** A rule that the API server evaluates in CEL, and the same rule as a function for our own validator. */
export interface Rule<Value> {
  readonly rule: string;
  readonly message: string;
  holds(value: Value): boolean;
}

export const CEL_RULES = 'x-kubernetes-validations';

/** A Go duration: decimal numbers with units in any order, such as `1h30m` or `90s`. */
export const DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';
/** A Go duration for the length of one operation, without hours. */
export const SHORT_DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m))+$';

export function text(description: string, options: TStringOptions = {}): TString {
  return schemaOf<TString>('String', { type: 'string', description, ...options });
}

export function flag(description: string, options: TSchemaOptions = {}): TBoolean {
  return schemaOf<TBoolean>('Boolean', { type: 'boolean', description, ...options });
}

export function int64(description: string, options: TSchemaOptions = {}): TInteger {
  const format = 'int64';
  return schemaOf<TInteger>('Integer', { type: 'integer', description, format, ...options });
}

/** An integer without bounds. */
export function integer(description: string, options: TSchemaOptions = {}): TInteger {
  return schemaOf<TInteger>('Integer', { type: 'integer', description, ...options });
}

export function time(description: string): TString {
  return text(description, { format: 'date-time' });
}

export function duration(description: string, options: TStringOptions = {}): TString {
  return text(description, { pattern: DURATION, ...options });
}

export function shortDuration(description: string, options: TStringOptions = {}): TString {
  return text(description, { pattern: SHORT_DURATION, ...options });
}

export function choice<const Values extends string[]>(
  values: readonly [...Values],
  description: string,
  options: TSchemaOptions = {},
): TEnum<Values> {
  const json = { enum: [...values], type: 'string', description, ...options };
  return schemaOf<TEnum<Values>>('Enum', json);
}

export function list<Item extends TSchema>(
  items: Item,
  description: string,
  options: TArrayOptions = {},
): TArray<Item> {
  return schemaOf<TArray<Item>>('Array', { type: 'array', items, description, ...options });
}

/** A map of strings, such as labels. */
export function dictionary(description: string): TRecord<'^.*$', TString> {
  const patternProperties = { '^.*$': schemaOf<TString>('String', { type: 'string' }) };
  const json = { type: 'object', patternProperties, description };
  return schemaOf<TRecord<'^.*$', TString>>('Record', json);
}

/** A map of objects of one shape, by names that the object's author or the service chooses. */
export function mapOf<Value extends TSchema>(
  value: Value,
  description: string,
): TRecord<'^.*$', Value> {
  const json = { type: 'object', patternProperties: { '^.*$': value }, description };
  return schemaOf<TRecord<'^.*$', Value>>('Record', json);
}

/** Any value; the API server stores it unchanged. */
export function anyValue(description: string): TUnknown {
  const json = { description, 'x-kubernetes-preserve-unknown-fields': true };
  return schemaOf<TUnknown>('Unknown', json);
}

/** A map of values of any type; the API server stores them unchanged. */
export function anyValues(description: string): TRecord<'^.*$', TUnknown> {
  const value = schemaOf<TUnknown>('Unknown', { 'x-kubernetes-preserve-unknown-fields': true });
  const json = { type: 'object', patternProperties: { '^.*$': value }, description };
  return schemaOf<TRecord<'^.*$', TUnknown>>('Record', json);
}

export function object<Properties extends TProperties>(
  properties: Properties,
  description: string,
  options: TObjectOptions & { rules?: readonly Rule<Static<TObject<Properties>>>[] } = {},
): TObject<Properties> {
  const { rules = [], ...rest } = options;
  const cel = rules.map(({ rule, message }) => ({ message, rule }));
  const required = Object.keys(properties).filter((name) => !isOptional(properties[name] ?? {}));
  const plain = schemaOf<TObject<Properties>>('Object', {
    type: 'object',
    properties,
    description,
    ...(required.length > 0 && { required }),
    ...rest,
    ...(cel.length > 0 && { [CEL_RULES]: cel }),
  });
  // The API server evaluates CEL only on objects that are otherwise valid, so `holds` may rely on the type.
  return rules.reduce<TObject<Properties>>(
    (schema, { holds, message }) =>
      refined(schema, (value) => holds(value as Static<TObject<Properties>>), message),
    plain,
  );
}

/** A reference by name to an object in the same namespace as the one that has the reference. */
export function localReference(description: string, referent: string) {
  return object({ name: text(`Name of the ${referent}.`) }, description);
}
