// The events of a Kustomization, with Flux's messages, reasons and metadata. Each is published at once as a CloudEvent.
// Those of a successful run become one Kubernetes Event together, as each Event is a write to the API server.
import { type Kustomization, READY } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from '../environment.ts';
import type { RunStatus } from './run-status.ts';

export interface EventOptions {
  revision?: string | undefined;
  originRevision?: string | undefined;
  /** False when nothing happened to the object, so that no Kubernetes Event is written. */
  kubernetes?: boolean;
  metadata?: Record<string, string>;
}

export interface EventPublisher {
  publish(severity: 'info' | 'error', message: string, options?: EventOptions): void;
  /** Writes the Kubernetes Event of what was published so far. */
  flush(): void;
}

/**
 * After this time the Kubernetes Event is written even if the run goes on, so that users see what it has done.
 * Milliseconds.
 */
const GATHER_MS = 5_000;

/** Events carry the reason that the Ready condition has at that moment, and the trace of the run. */
export function createEventPublisher(
  env: Pick<Environment, 'recorder' | 'tracing'>,
  object: Kustomization,
  status: Pick<RunStatus, 'condition'>,
  ctx: Pick<ReconcileContext, 'traceparent'>,
): EventPublisher {
  let lines: string[] = [];
  let gathered: Record<string, string> = {};
  let timer: NodeJS.Timeout | undefined;

  function record(
    severity: 'trace' | 'info' | 'error',
    message: string,
    metadata: Record<string, string>,
    kubernetes: boolean,
  ): void {
    const reason = status.condition(READY)?.reason ?? (severity === 'trace' ? 'info' : severity);
    const traceparent = env.tracing.traceparent() ?? ctx.traceparent;
    const trace = traceparent === undefined ? {} : { traceparent };
    env.recorder.event(object, { severity, reason, message, metadata, kubernetes, ...trace });
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    // The result of the run comes first, because tables of events show one line.
    if (lines.length > 0) record('trace', lines.reverse().join('\n'), gathered, true);
    lines = [];
    gathered = {};
  }

  return {
    flush,
    publish(severity, message, options = {}) {
      const { revision, originRevision, kubernetes = true, metadata: more } = options;
      const metadata = {
        ...more,
        ...(revision === undefined ? {} : { revision }),
        ...(originRevision === undefined ? {} : { originRevision }),
      };
      if (severity === 'error') {
        flush();
        record(severity, message, metadata, kubernetes);
        return;
      }
      record(severity, message, metadata, false);
      if (!kubernetes) return;
      lines.push(message.trimEnd());
      gathered = { ...gathered, ...metadata };
      timer ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
}
