import { diag } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';
import { maskSpan } from './maskspan.ts';

/**
 * Sends spans as OTLP/HTTP JSON to `<endpoint>/v1/traces` (the OTLP exporter spec's rule for a base
 * URL). Headers and TLS come from the standard OTEL_EXPORTER_OTLP_* variables. A collector that is
 * away costs its spans, never the service: it is logged once, and once more when it is back.
 * Secrets are masked in what is sent. The code that sends is loaded with the first spans: most services never have a collector.
 */
export function otlpExporter(endpoint: string, timeoutMs: number, log?: Logger): SpanExporter {
  let opened: Promise<SpanExporter> | undefined;
  const open = async (): Promise<SpanExporter> => {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    return new OTLPTraceExporter({ url, timeoutMillis: timeoutMs });
  };
  let failing = false;
  return {
    async export(spans, done) {
      opened ??= open();
      const exporter = await opened;
      exporter.export(spans.map(maskSpan), (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !failing)
          log?.warn({ endpoint, err: result.error }, 'Spans are not delivered');
        if (!failed && failing) log?.info({ endpoint }, 'Spans are delivered again');
        failing = failed;
        if (failed) diag.debug('span export failed', result.error);
        // The failure is logged above: as a result of the export it would only be logged a second time.
        done({ code: ExportResultCode.SUCCESS });
      });
    },
    forceFlush: async () => (await opened)?.forceFlush?.(),
    shutdown: async () => (await opened)?.shutdown(),
  };
}
