import { HelmError } from '@weir/helm';
import { OciError } from '@weir/oci';
import { RenderError } from '@weir/render';

/** Whether the work was aborted because nobody waits for it any more, so that there is nothing to report. */
export function isAborted(cause: unknown): boolean {
  return (
    (cause instanceof HelmError || cause instanceof OciError || cause instanceof RenderError) &&
    (cause.reason === 'Aborted' || cause.reason === 'Closed')
  );
}
