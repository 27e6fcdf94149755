// The failures of fetching and reading an index, with Flux's messages.
import { FETCH_FAILED, type HelmRepository, Reason } from '@weir/api';
import { ArtifactError } from '@weir/artifact';
import { HelmError } from '@weir/helm';
import { Failure, messageOf } from '@weir/reconcile';
import { RenderError } from '@weir/render';
import { isAborted } from '../shared/charts/failures.ts';
import { fetchFailure } from '../shared/snapshots.ts';

/** @throws Failure URLInvalid (stalled) for the URL of a registry without the type `oci` */
export function refuseRegistry({ spec }: HelmRepository): void {
  if (!spec.url.startsWith('oci://')) return;
  const what = "'oci' URL scheme cannot be used with 'default' HelmRepository type";
  throw new Failure(Reason.URLInvalid, `invalid Helm repository URL: ${what}`, {
    ...{ condition: FETCH_FAILED, stalled: true },
  });
}

/** An error of fetching or reading an index as a Failure; any other error is returned as it is. */
export function indexFailure(cause: unknown): unknown {
  if (isAborted(cause)) return cause;
  if (cause instanceof HelmError || cause instanceof ArtifactError) {
    const step =
      cause.reason === 'InvalidConfiguration' ? '' : 'failed to cache index to temporary file: ';
    const message = `failed to fetch Helm repository index: ${step}${messageOf(cause)}`;
    return fetchFailure(Reason.Failed, message, cause);
  }
  if (cause instanceof RenderError) {
    const message = `failed to load Helm repository from index YAML: ${cause.message}`;
    return fetchFailure(Reason.IndexationFailed, message, cause);
  }
  return cause;
}
