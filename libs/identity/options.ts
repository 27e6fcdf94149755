// The flags that all services with identities have in common.
import { readEndpoints } from './endpoints.ts';
import type { IdentitiesOptions } from './identities.ts';

/** What of a service's settings is read. */
interface SettingsReader {
  list(name: string): string[];
  boolean(name: string, fallback: boolean): boolean;
  number(name: string, fallback: number, range: { min: number }): number;
  duration(name: string, fallbackMs: number): number;
}

const MAX_TOKENS = 1_000;
/** As in Flux: an hour is the longest too. */
const MAX_AGE_MS = 60 * 60_000;

/**
 * Reads `--cloud-endpoints`, `--allow-local-addresses`, `--token-cache-max-size` and `--token-cache-max-duration`.
 * @throws SettingsError; IdentityError InvalidConfiguration for an endpoint that is none
 */
export function identityOptions(
  settings: SettingsReader,
  environment: NodeJS.ProcessEnv = process.env,
): Pick<IdentitiesOptions, 'endpoints' | 'allowLocal' | 'environment' | 'cache'> {
  const maxAgeMs = settings.duration('token-cache-max-duration', MAX_AGE_MS);
  return {
    environment,
    endpoints: readEndpoints(settings.list('cloud-endpoints'), environment),
    allowLocal: settings.boolean('allow-local-addresses', false),
    cache: {
      max: settings.number('token-cache-max-size', MAX_TOKENS, { min: 0 }),
      maxAgeMs: Math.min(maxAgeMs, MAX_AGE_MS),
    },
  };
}
