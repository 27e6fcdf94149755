// The message of a commit.
import { type ImageUpdateAutomation, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';
import type { ChangedFile } from './change.ts';

/** As in Flux. */
const DEFAULT_MESSAGE = 'Update from image update automation';

/**
 * Makes the message from `spec.git.commit.messageTemplate`.
 * @throws Failure RemovedTemplateField (stalled), GitOperationFailed
 */
export async function commitMessage(
  { metadata, spec }: ImageUpdateAutomation,
  files: readonly ChangedFile[],
  { pool, signal }: { pool: RenderPool; signal: AbortSignal },
): Promise<string> {
  const { messageTemplate, messageTemplateValues = {} } = spec.git?.commit ?? {};
  if (!messageTemplate) return DEFAULT_MESSAGE;
  const { namespace = '', name } = metadata;
  const request = {
    templates: [{ name: 'commit message', text: messageTemplate }],
    automation: { namespace, name },
    values: messageTemplateValues,
    files,
  };
  try {
    const [message = ''] = await pool.texts(request, { tenant: namespace, signal });
    return message;
  } catch (cause) {
    throw templateFailure(cause);
  }
}

/** The failure of a template, with Flux's message. */
export function templateFailure(cause: unknown): unknown {
  if (!(cause instanceof RenderError) || cause.reason === 'Aborted') return cause;
  if (cause.reason === Reason.RemovedTemplateField) {
    return new Failure(cause.reason, cause.message, { stalled: true, cause });
  }
  const message = `failed to update source: ${cause.message}`;
  return new Failure(Reason.GitOperationFailed, message, { cause });
}
