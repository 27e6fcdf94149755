// Flux's feature gates, as `--feature-gates` takes them.
import { SettingsError } from './settings.ts';

export interface GateRules<Name extends string> {
  /** The gates that change something, with their defaults. */
  defaults: Readonly<Record<Name, boolean>>;
  /** Gates of Flux that change nothing here, with the reason. */
  withoutEffect: ReadonlyMap<string, string>;
  /** Gates of Flux whose behaviour can't be turned on, with the reason. */
  refused: ReadonlyMap<string, string>;
}

/**
 * Reads `Name=true` items. Throws a SettingsError that names the gate for an unknown one, for a value that is neither true
 * nor false, and for one that can't be turned on. Gates that change nothing here are accepted in either state, and
 * `ignored` is called for them.
 */
export function readFeatureGates<Name extends string>(
  items: readonly string[],
  { defaults, withoutEffect, refused }: GateRules<Name>,
  ignored: (gate: string, why: string) => void,
): Record<Name, boolean> {
  const gates: Record<Name, boolean> = { ...defaults };
  const isGate = (name: string): name is Name => Object.hasOwn(defaults, name);
  for (const item of items) {
    const [name = '', value = ''] = item.split('=', 2).map((part) => part.trim());
    const enabled = toBoolean(value);
    if (enabled === undefined) {
      throw new SettingsError(`--feature-gates: ${item} has to be ${name}=true or ${name}=false`);
    }
    const why = refused.get(name);
    if (why !== undefined && enabled) throw new SettingsError(`--feature-gates: ${name} ${why}`);
    const without = withoutEffect.get(name) ?? (why === undefined ? undefined : `it ${why}`);
    if (without !== undefined) ignored(name, without);
    else if (isGate(name)) gates[name] = enabled;
    else throw new SettingsError(`--feature-gates: feature-gate '${name}' not supported`);
  }
  return gates;
}

/**
 * Whether the only gate of Flux that a service reads is on. Other gates belong to other services, which share the flag.
 * Throws a SettingsError for a value that is neither true nor false.
 */
export function isGateOn(items: readonly string[], gate: string): boolean {
  const own = items.filter((item) => item.split('=', 1)[0]?.trim() === gate);
  const rules = { withoutEffect: new Map(), refused: new Map(), defaults: { [gate]: false } };
  return readFeatureGates(own, rules, () => undefined)[gate] ?? false;
}

/** By the rules of Go's strconv.ParseBool, with which Flux reads them. */
function toBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  return undefined;
}
