import { RenderError, type RenderPool } from '@weir/render';
import { DeliveryError } from '../../delivery/errors.ts';

/** Evaluates a CEL expression whose result is a text. Rejects with a DeliveryError that says what is wrong with it. */
export type Evaluate = (
  expression: string,
  variables: Readonly<Record<string, object>>,
) => Promise<string>;

/** Evaluates in the name of a namespace, as long as the signal doesn't abort. */
export type EvaluateFor = (namespace: string, signal: AbortSignal) => Evaluate;

/** What becomes a name: more is a mistake. Characters. */
const MAX_RESULT = 4_096;

export function createEvaluate(pool: Pick<RenderPool, 'evaluateText'>): EvaluateFor {
  return (tenant, signal) => async (expression, variables) => {
    try {
      const [result] = await pool.evaluateText(
        { expression, inputs: [variables] },
        { tenant, signal },
      );
      if (result?.error !== undefined) throw failed(result.error);
      const text = result?.value ?? '';
      if (text.length > MAX_RESULT)
        throw failed(`its result has more than ${MAX_RESULT} characters`);
      return text;
    } catch (error) {
      if (!(error instanceof RenderError) || error.reason !== 'InvalidCELExpression') throw error;
      throw failed(error.message, error);
    }
  };
}

function failed(message: string, cause?: unknown): DeliveryError {
  return new DeliveryError('InvalidExpression', message, { cause });
}
