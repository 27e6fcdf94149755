import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Level, type Logger as PinoLogger, pino } from 'pino';
import { MAX_TEXT, maskUrl } from './mask.ts';
import { prettyDestination } from './pretty.ts';
import { redact, redactLine } from './redact.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  /** Name of the service, in every line as `service`. */
  service: string;
  /** trace, debug, info, warn, error or fatal; the default is LOG_LEVEL, else info. */
  level?: string;
  /** Lines for a person at a terminal instead of JSON. */
  pretty?: boolean;
  /** Where lines go; standard output when left out. */
  destination?: DestinationStream;
}

/** From all to nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * A logger that writes one JSON object a line: `level`, `ts` (RFC 3339), `service`, `msg`, and the
 * `trace_id` and `span_id` of the active span. Secrets are masked in keys, messages and errors, and a line is bounded.
 * Throws a RangeError for an unknown level.
 */
export function createLogger(options: LoggerOptions): Logger {
  const level = (options.level ?? process.env.LOG_LEVEL ?? 'info').toLowerCase();
  if (!LOG_LEVELS.some((known) => known === level)) {
    throw new RangeError(`unknown log level "${level}": use one of ${LOG_LEVELS.join(', ')}`);
  }
  const destination = options.destination ?? pino.destination({ fd: 1, sync: true });
  return pino(
    {
      level: level as Level,
      base: { service: options.service },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      mixin: activeSpan,
      // An error may drag along the request that failed, headers and all.
      serializers: { err: (error: Error) => redact({ ...pino.stdSerializers.err(error) }) },
      formatters: {
        level: (label) => ({ level: label }),
        log: redact,
      },
      hooks: {
        // A message is cut before it becomes a part of a line: one of hundreds of megabytes could not become one.
        logMethod(args, method) {
          method.apply(this, args.map(shortened) as typeof args);
        },
        streamWrite: redactLine,
      },
    },
    options.pretty === true ? prettyDestination(destination) : destination,
  );
}

function shortened(argument: unknown): unknown {
  return typeof argument === 'string' && argument.length > MAX_TEXT ? maskUrl(argument) : argument;
}

function activeSpan(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
