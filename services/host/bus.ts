import type { BusOptions } from '@weir/bus';
import type { Settings } from '@weir/service';
import { natsServers } from './nats.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The connection to NATS and the settings of its streams, from flags and environment variables. Throws SettingsError.
 */
export function busOptions(
  settings: Settings,
  env: Environment,
): Omit<BusOptions, 'name' | 'log' | 'metrics'> {
  return {
    ...optional('servers', natsServers(settings, env)),
    ...optional('credentials', settings.get('nats-credentials')),
    cluster: settings.get('cluster-name') ?? 'default',
    ...optional('tls', tlsOf(settings)),
    storeMaxBytes: settings.number('artifact-store-bytes', 5 * 1024 ** 3, { min: 5 * 1024 ** 2 }),
    replicas: settings.number('nats-replicas', 1, { min: 1, max: 5 }),
    storage: settings.choice('nats-storage', ['file', 'memory'], 'file'),
    eventsMaxAgeMs: settings.duration('events-max-age', 7 * 24 * 3_600_000),
  };
}

/** The certificate authority of the NATS servers, if they have no certificate of a public one. */
function tlsOf(settings: Settings): { caFile: string } | undefined {
  const caFile = settings.get('nats-ca');
  return caFile === undefined ? undefined : { caFile };
}

/** `{ [key]: value }`, or an empty object for an undefined value. */
function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
