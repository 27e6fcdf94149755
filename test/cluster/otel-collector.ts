import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTool } from './build.ts';
import { freePort } from './ports.ts';
import { supervise } from './supervise.ts';
import { until } from './until.ts';

export interface OtelCollector {
  /** The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, without `/v1/traces`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Starts the real OpenTelemetry collector on 127.0.0.1. It takes OTLP/HTTP in every encoding that there is, and hands the spans
 * that it understood on as JSON to `to`, such as the `url` of `startCollector`.
 */
export async function startOtelCollector(to: string): Promise<OtelCollector> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(to, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(to: string, stack: AsyncDisposableStack): Promise<OtelCollector> {
  const binary = await buildTool('otel-collector');
  const dir = await mkdtemp(join(tmpdir(), 'weir-otel-'));
  const supervisor = await supervise(dir);
  stack.defer(() => supervisor.close());
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: host } } } },
    exporters: { otlp_http: { endpoint: to, encoding: 'json', compression: 'none' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp_http'] } },
    },
  };
  const file = join(dir, 'config.yaml');
  await writeFile(file, JSON.stringify(config));
  await supervisor.start({
    ...{ name: 'otel-collector', command: binary, args: ['--config', file], cwd: dir },
    log: join(dir, 'otel-collector.log'),
  });
  await until(
    () => {
      const exit = supervisor.exitOf('otel-collector');
      if (exit !== undefined) throw new Error(`the OpenTelemetry collector ended: ${exit}`);
      return fetch(`http://${host}/`).then(
        () => true,
        () => false,
      );
    },
    { timeoutMs: 20_000, message: 'the OpenTelemetry collector to listen' },
  );
  return { url: `http://${host}`, close: () => stack.disposeAsync() };
}
