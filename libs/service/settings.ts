// Settings of a service: flags of the command line over environment variables over defaults.
import { parseDuration } from '@weir/api';

/** Typed look-up of flags by their name without dashes; all throw `SettingsError` on a malformed value. */
export interface Settings {
  get(name: string): string | undefined;
  number(name: string, fallback: number, range?: Range): number;
  /** A port: a whole number, 0 for any free one. */
  port(name: string, fallback: number): number;
  boolean(name: string, fallback: boolean): boolean;
  /** One of `options`. */
  choice<T extends string, F>(name: string, options: readonly T[], fallback: F): T | F;
  /** A Go duration such as `1m30s`, as ms in the code. */
  duration(name: string, fallbackMs: number): number;
  /** Separated by commas; empty when not set. */
  list(name: string): string[];
}

/** The bounds of a number, inclusive. */
export interface Range {
  min?: number;
  max?: number;
}

/** A flag or variable that can't be read; the message names it and the values that it accepts. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  readonly reason = 'InvalidSetting';
}

/** `artifact-port` -> `WEIR_ARTIFACT_PORT`. */
export function variableOf(name: string): string {
  return `WEIR_${name.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Settings from parsed flags (`{ 'log-level': 'debug' }`) and the environment; a flag wins.
 * An empty variable counts as not set, an empty flag as set to nothing.
 */
export function createSettings(
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>> = {},
): Settings {
  const get = (name: string) => flags[name] ?? (env[variableOf(name)] || undefined);

  function read<T>(name: string, fallback: T, wants: string, parse: (text: string) => T): T {
    const text = get(name);
    if (text === undefined) return fallback;
    try {
      return parse(text);
    } catch (cause) {
      throw new SettingsError(`--${name}=${text}: not ${wants}`, { cause });
    }
  }

  return {
    get,
    number: (name, fallback, range = {}) =>
      read(name, fallback, `a number${inWords(range)}`, (text) => within(toNumber(text), range)),
    port: (name, fallback) =>
      read(name, fallback, `a port${inWords(PORTS)}`, (text) => {
        const port = within(toNumber(text), PORTS);
        if (!Number.isInteger(port)) throw new TypeError('not a whole number');
        return port;
      }),
    boolean: (name, fallback) => read(name, fallback, 'true or false', toBoolean),
    choice: <T extends string, F>(name: string, options: readonly T[], fallback: F) =>
      read<T | F>(name, fallback, `one of ${options.join(', ')}`, (text) => {
        const found = options.find((option) => option === text);
        if (found === undefined) throw new TypeError('not one of them');
        return found;
      }),
    duration: (name, fallback) => read(name, fallback, 'a duration such as 1m30s', parseDuration),
    list: (name) => (get(name) ?? '').split(',').flatMap((part) => part.trim() || []),
  };
}

const PORTS: Range = { min: 0, max: 65_535 };

function within(value: number, { min = -Infinity, max = Infinity }: Range): number {
  if (value < min || value > max) throw new RangeError('out of range');
  return value;
}

function inWords({ min, max }: Range): string {
  const from = min === undefined ? '' : ` from ${min}`;
  return max === undefined ? from : `${from} to ${max}`;
}

const LEASE_MS = 15_000;

/** For `joinMembership`: how long replicas keep what they own, and how often they renew their Leases. */
export function leaseTimes(settings: Settings): { leaseMs: number; renewMs: number } {
  const leaseMs = settings.duration('lease-duration', LEASE_MS);
  return { leaseMs, renewMs: settings.duration('lease-renew-interval', leaseMs / 3) };
}

function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new TypeError('not a number');
  return value;
}

function toBoolean(text: string): boolean {
  if (text === 'true' || text === '1' || text === '') return true;
  if (text === 'false' || text === '0') return false;
  throw new TypeError('not a boolean');
}
