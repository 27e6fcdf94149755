import { HelmError } from '@weir/helm';
import { OciError } from '@weir/oci';
import { RenderError } from '@weir/render';

/** Whether nobody waits for the work any more: then there is nothing to say of its end. */
export function isAborted(cause: unknown): boolean {
  return (
    (cause instanceof HelmError || cause instanceof OciError || cause instanceof RenderError) &&
    (cause.reason === 'Aborted' || cause.reason === 'Closed')
  );
}
