// The events of a Kustomization: Flux's messages, reasons and metadata.
import { type Kustomization, READY } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from './environment.ts';
import type { Report } from './report.ts';

export interface EventOptions {
  revision?: string | undefined;
  originRevision?: string | undefined;
  /** False where nothing happened to the object: no Kubernetes Event is written then. */
  kubernetes?: boolean;
  metadata?: Record<string, string>;
}

export type Tell = (severity: 'info' | 'error', message: string, options?: EventOptions) => void;

/** Events carry the reason that the Ready condition has at that moment, and the trace of the run. */
export function createTell(
  env: Environment,
  object: Kustomization,
  report: Report,
  ctx: ReconcileContext,
): Tell {
  return (severity, message, { revision, originRevision, kubernetes = true, metadata } = {}) => {
    const traceparent = env.tracing.traceparent() ?? ctx.traceparent;
    env.recorder.event(object, {
      severity,
      reason: report.condition(READY)?.reason ?? severity,
      message,
      metadata: {
        ...metadata,
        ...(revision === undefined ? {} : { revision }),
        ...(originRevision === undefined ? {} : { originRevision }),
      },
      kubernetes,
      ...(traceparent === undefined ? {} : { traceparent }),
    });
  };
}
