// The events of a Kustomization: Flux's messages, reasons and metadata. Each is a CloudEvent at once; those
// of one run that went well are one Kubernetes Event, as each costs the API server a write.
import { type Kustomization, READY } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from '../environment.ts';
import type { Report } from './status-report.ts';

export interface EventOptions {
  revision?: string | undefined;
  originRevision?: string | undefined;
  /** False where nothing happened to the object: no Kubernetes Event is written then. */
  kubernetes?: boolean;
  metadata?: Record<string, string>;
}

export interface Tell {
  (severity: 'info' | 'error', message: string, options?: EventOptions): void;
  /** Writes the Kubernetes Event of what was told so far. */
  flush(): void;
}

/** Those who look at the object see what a run has done by then, also when it goes on. Milliseconds. */
const GATHER_MS = 5_000;

/** Events carry the reason that the Ready condition has at that moment, and the trace of the run. */
export function createTell(
  env: Environment,
  object: Kustomization,
  report: Report,
  ctx: ReconcileContext,
): Tell {
  let lines: string[] = [];
  let gathered: Record<string, string> = {};
  let timer: NodeJS.Timeout | undefined;

  function event(
    severity: 'trace' | 'info' | 'error',
    message: string,
    metadata: Record<string, string>,
    kubernetes: boolean,
  ): void {
    const reason = report.condition(READY)?.reason ?? (severity === 'trace' ? 'info' : severity);
    const traceparent = env.tracing.traceparent() ?? ctx.traceparent;
    const trace = traceparent === undefined ? {} : { traceparent };
    env.recorder.event(object, { severity, reason, message, metadata, kubernetes, ...trace });
  }
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    // How it ended comes first: it is what a line has room for.
    if (lines.length > 0) event('trace', lines.reverse().join('\n'), gathered, true);
    lines = [];
    gathered = {};
  }
  function tell(
    severity: 'info' | 'error',
    message: string,
    { revision, originRevision, kubernetes = true, metadata: more }: EventOptions = {},
  ): void {
    const metadata = {
      ...more,
      ...(revision === undefined ? {} : { revision }),
      ...(originRevision === undefined ? {} : { originRevision }),
    };
    if (severity === 'error') {
      flush();
      event(severity, message, metadata, kubernetes);
      return;
    }
    event(severity, message, metadata, false);
    if (!kubernetes) return;
    lines.push(message.trimEnd());
    gathered = { ...gathered, ...metadata };
    timer ??= setTimeout(flush, GATHER_MS).unref();
  }
  return Object.assign(tell, { flush });
}
