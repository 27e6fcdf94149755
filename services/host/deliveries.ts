// The command `deliveries [--namespace=...] [--alert=...] [--replay]`: shows the results of the messages of Alerts.
import { connectBus } from '@weir/bus';
import { createSettings } from '@weir/service';
import { createLogger, createMetrics } from '@weir/telemetry';
import { busOptions } from './bus.ts';
import { type Grammar, type NamedFlag, readCommandLine, UsageError } from './command-line.ts';

export interface DeliveriesOptions {
  /** The arguments after `deliveries`. */
  args: readonly string[];
  grammar: Grammar;
  env?: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

const OWN: [string, NamedFlag][] = [
  ['namespace', { help: 'Of the Alerts; all namespaces if left out', value: 'name' }],
  ['alert', { help: 'Name of one Alert', value: 'name' }],
  ['replay', { help: 'Send the dead letters again' }],
];
const CONNECT_MS = 10_000;

/**
 * Returns the text for a person to read. It needs NATS only, with the credentials of notification.
 * @throws UsageError; SettingsError; the reason why NATS can't be reached within ten seconds
 */
export async function listDeliveries(options: DeliveriesOptions): Promise<string> {
  const { args, grammar, env = process.env, signal } = options;
  const known = { ...grammar, flags: new Map([...grammar.flags, ...OWN]) };
  const { services, flags } = readCommandLine(args, known);
  const { namespace, alert, replay, ...others } = flags;
  if (services.length > 0) {
    throw new UsageError(`deliveries takes flags only, and not ${services.join(' ')}`);
  }
  if (alert !== undefined && namespace === undefined) {
    throw new UsageError('deliveries --alert wants --namespace too');
  }
  const settings = createSettings(others, env);
  const log = createLogger({ service: 'deliveries', level: settings.get('log-level') ?? 'error' });
  const bus = await connectBus({
    ...busOptions(settings, env),
    ...{ name: 'deliveries', service: 'notification', owns: [], log },
    metrics: createMetrics({ service: 'deliveries' }),
  });
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
    await bus.available(until, 'weir-deliveries').catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new UsageError(
        'NATS does not answer, or notification has not made its streams yet: see --nats-url',
      );
    });
    const { describeDeliveries } = await import('@weir/notification/deliveries');
    return await describeDeliveries({
      ...{ bus, log, replay: replay === 'true' },
      ...(namespace === undefined ? {} : { namespace }),
      ...(alert === undefined ? {} : { alert }),
    });
  } finally {
    await bus.close(0);
  }
}
