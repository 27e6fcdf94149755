// The entry point of the container and of `npm run services`: runs the services that its arguments name, or all of
// them, until it is told to stop.
import { flushCompileCache } from 'node:module';
import { KubeconfigError } from '@weir/kube';
import { SettingsError } from '@weir/service';
import { grammar } from './catalogue.ts';
import { readCommandLine, UsageError, usage } from './command-line.ts';
import { listDeliveries } from './deliveries.ts';
import { describeChange } from './diff.ts';
import { startServices } from './start.ts';

/** Longer than services take at most, and shorter than a kubelet waits. */
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
      // This has an effect with NODE_COMPILE_CACHE only: the compiled code is stored for the next start even if this
      // process is killed.
      flushCompileCache();
    });
    await Promise.race([stopped, ready.then(() => stopped)]);
    await running.close();
    await ready;
  } catch (error) {
    // The process was asked to stop before it was ready, or even before it had started.
    const aborted = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted || !aborted) throw error;
  }
}

/** Aborts when the process is asked to stop. When it is asked again, the process ends at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    // The timer doesn't keep the process alive: it only ends a process that hangs.
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
  // The process ends at once, because services that had begun to start would keep it alive without doing anything.
  process.stderr.write(`${text}\n`, () => process.exit(toSay === undefined ? 1 : 2));
}

/** The message about what the user can put right; undefined for a fault of the program. */
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
