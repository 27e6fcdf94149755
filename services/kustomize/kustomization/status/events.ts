// The events of a Kustomization: Flux's messages, reasons and metadata. Each is a CloudEvent at once; those
// of one run that went well are one Kubernetes Event, as each costs the API server a write.
import { type Kustomization, READY } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from '../environment.ts';
import type { RunStatus } from './run-status.ts';

export interface EventOptions {
  revision?: string | undefined;
  originRevision?: string | undefined;
  /** False where nothing happened to the object: no Kubernetes Event is written then. */
  kubernetes?: boolean;
  metadata?: Record<string, string>;
}

export interface EventPublisher {
  publish(severity: 'info' | 'error', message: string, options?: EventOptions): void;
  /** Writes the Kubernetes Event of what was published so far. */
  flush(): void;
}

/** Whoever looks at the object sees what a run has done by then, also when the run goes on. Milliseconds. */
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
    // How the run ended comes first: a table of events shows one line.
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
