import { diag } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';

/**
 * Sends spans as OTLP/HTTP JSON to `<endpoint>/v1/traces` (the OTLP exporter spec's rule for a base
 * URL). Headers and TLS come from the standard OTEL_EXPORTER_OTLP_* variables. A collector that is
 * away costs its spans, never the service: it is logged once, and once more when it is back.
 */
export function otlpExporter(endpoint: string, timeoutMs: number, log?: Logger): SpanExporter {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: timeoutMs,
  });
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !failing)
          log?.warn({ endpoint, err: result.error }, 'Spans are not delivered');
        if (!failed && failing) log?.info({ endpoint }, 'Spans are delivered again');
        failing = failed;
        if (failed) diag.debug('span export failed', result.error);
        // The failure has been told: handed on it would only be reported a second time.
        done({ code: ExportResultCode.SUCCESS });
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
