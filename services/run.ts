// The one entry point, of the container and of `npm run services`: runs the services that its arguments
// name, or all, until it is told to stop.
import { SettingsError } from '@weir/controller';
import { SERVICES } from './catalogue.ts';
import { readCommandLine, UsageError, usage } from './flags.ts';
import { startServices } from './start.ts';

async function main(): Promise<void> {
  const { services, flags } = readCommandLine(process.argv.slice(2), SERVICES);
  if (flags.help) {
    process.stdout.write(usage(SERVICES));
    return;
  }
  const stopped = stopSignal();
  const running = await startServices({
    services,
    flags,
    logging: { pretty: process.stdout.isTTY },
  });
  const ready = running.ready().then(() => {
    process.stdout.write(`ready: ${running.services.join(' ')}\n`);
  });
  await Promise.race([stopped, ready.then(() => stopped)]);
  await running.close();
  await ready.catch(isAbort);
}

/** Resolves when the process is asked to stop; asked again, it ends at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

/** Waiting to be ready ends with the stop; any other reason is an error. */
function isAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

try {
  await main();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof SettingsError;
  process.stderr.write(
    `${expected ? error.message : error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = expected ? 2 : 1;
}
