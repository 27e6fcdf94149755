// Settings of a service: flags of the command line over environment variables over defaults.
import { parseDuration } from '@weir/api';

/** Typed look-up of flags by their name without dashes; all throw `SettingsError` on a malformed value. */
export interface Settings {
  get(name: string): string | undefined;
  number(name: string, fallback: number): number;
  boolean(name: string, fallback: boolean): boolean;
  /** A Go duration such as `1m30s`; in and out of the code in ms. */
  duration(name: string, fallbackMs: number): number;
  /** Comma separated; empty when not set. */
  list(name: string): string[];
}

/** A flag or variable that can't be read; the message names it and what it takes. */
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
    number: (name, fallback) => read(name, fallback, 'a number', toNumber),
    boolean: (name, fallback) => read(name, fallback, 'true or false', toBoolean),
    duration: (name, fallback) => read(name, fallback, 'a duration such as 1m30s', parseDuration),
    list: (name) => (get(name) ?? '').split(',').flatMap((part) => part.trim() || []),
  };
}

const LEASE_MS = 15_000;

/** How long replicas keep what they own, and how often they say that they live, for `joinMembership`. */
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
