// The events of a HelmRelease, with Flux's reasons, messages and metadata.
import type { HelmRelease, ReleaseSnapshot } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from '../environment.ts';

/** The metadata of an event: version of the chart, digest of the values. */
export interface EventSubject {
  revision?: string | undefined;
  token?: string | undefined;
  appVersion?: string | undefined;
  ociDigest?: string | undefined;
}

export interface EventPublisher {
  /** `trace` only makes a Kubernetes Event of the object, and no alert. */
  publish(
    severity: 'trace' | 'info' | 'error',
    reason: string,
    message: string,
    subject?: EventSubject,
  ): void;
}

export function createEventPublisher(
  env: Pick<Environment, 'recorder' | 'tracing'>,
  object: HelmRelease,
  ctx: Pick<ReconcileContext, 'traceparent'>,
): EventPublisher {
  return {
    publish(severity, reason, message, subject = {}) {
      const traceparent = env.tracing.traceparent() ?? ctx.traceparent;
      const trace = traceparent === undefined ? {} : { traceparent };
      const metadata = metadataOf(subject);
      env.recorder.event(object, { severity, reason, message, metadata, ...trace });
    },
  };
}

/** The metadata of an event about a version of the release. */
export function subjectOf(snapshot: ReleaseSnapshot): EventSubject {
  const { chartVersion: revision, configDigest: token, appVersion, ociDigest } = snapshot;
  return { revision, token, appVersion, ociDigest };
}

function metadataOf({ revision, token, appVersion, ociDigest }: EventSubject) {
  const all = { revision, token, 'app-version': appVersion, 'oci-digest': ociDigest };
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) => (value ? [[key, value]] : [])),
  );
}
