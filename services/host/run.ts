// The one entry point, of the container and of `npm run services`: runs the services that its arguments
// name, or all, until it is told to stop.
import { flushCompileCache } from 'node:module';
import { KubeconfigError } from '@weir/kube';
import { SettingsError } from '@weir/service';
import { grammar } from './catalogue.ts';
import { readCommandLine, UsageError, usage } from './command-line.ts';
import { listDeliveries } from './deliveries.ts';
import { describeChange } from './diff.ts';
import { startServices } from './start.ts';

/** Longer than services take at most; shorter than a kubelet waits. */
const STOP_TIMEOUT_MS = 28_000;

async function main(): Promise<void> {
  const known = await grammar();
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'diff') {
    const text = await describeChange({ args: rest, grammar: known, signal: stopSignal() });
    process.stdout.write(text, () => process.exit(0));
    return;
  }
  if (command === 'deliveries') {
    const text = await listDeliveries({ args: rest, grammar: known, signal: stopSignal() });
    process.stdout.write(text, () => process.exit(0));
    return;
  }
  const { services, flags } = readCommandLine(process.argv.slice(2), known);
  if (flags.help) {
    process.stdout.write(usage(known));
    return;
  }
  const signal = stopSignal();
  const stopped = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    const running = await startServices({
      services,
      flags,
      logging: { pretty: process.stdout.isTTY },
      signal,
    });
    const ready = running.ready().then(() => {
      process.stdout.write(`ready: ${running.services.join(' ')}\n`);
      // With NODE_COMPILE_CACHE only: what was compiled is there for the next start even if this one is killed.
      flushCompileCache();
    });
    await Promise.race([stopped, ready.then(() => stopped)]);
    await running.close();
    await ready;
  } catch (error) {
    // Asked to stop before it was ready, or even before it had started.
    const aborted = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted || !aborted) throw error;
  }
}

/** Aborted when the process is asked to stop; asked again, the process ends at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    // Not kept alive by this: it only ends what would otherwise hang.
    setTimeout(() => {
      process.stderr.write('Not stopped in time; ending without tidying up.\n');
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return controller.signal;
}

try {
  await main();
} catch (error) {
  const toSay = advice(error);
  const { maskSecrets } = await import('@weir/telemetry');
  const text = maskSecrets(toSay ?? String(error instanceof Error ? error.stack : error));
  // At once: services that had begun to start would keep a process alive that does nothing.
  process.stderr.write(`${text}\n`, () => process.exit(toSay === undefined ? 1 : 2));
}

/** What whoever started it can put right; undefined for a fault of ours. */
function advice(error: unknown): string | undefined {
  if (
    error instanceof UsageError ||
    error instanceof SettingsError ||
    error instanceof KubeconfigError
  ) {
    return error.message;
  }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'listen') {
    return `${error.message}: choose another port with --health-port or --artifact-port, for notification with --events-port or --receiver-port`;
  }
  return undefined;
}
