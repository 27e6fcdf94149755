// The CEL expressions of Receivers, in the render engine.
import { RenderError, type RenderPool } from '@weir/render';

/** Evaluates the expressions of a Receiver, for its namespace. */
export interface Expressions {
  /** Throws ExpressionInvalid for an expression that doesn't compile with these variables. */
  check(expression: string, kind: 'boolean' | 'any', variables: readonly string[]): Promise<void>;
  /** Whether the expression holds. Rejects for one that fails. */
  holds(expression: string, variables: Variables): Promise<boolean>;
  /** The value of an expression. Rejects for one that fails. */
  value(expression: string, variables: Variables): Promise<unknown>;
}

type Variables = Readonly<Record<string, object>>;

/** An expression that can never work, with what the compiler says. */
export class ExpressionInvalid extends Error {
  override readonly name = 'ExpressionInvalid';
  readonly reason = 'InvalidCELExpression';
}

/** An expression that failed for these values. The message quotes no value. */
export class ExpressionFailed extends Error {
  override readonly name = 'ExpressionFailed';
  readonly reason = 'ExpressionFailed';
}

type Evaluating = Pick<RenderPool, 'evaluate' | 'evaluateAny'>;

export function expressionsOf(pool: Evaluating, tenant: string): Expressions {
  async function run(expression: string, kind: 'boolean' | 'any', variables: Variables) {
    const evaluate = kind === 'boolean' ? pool.evaluate : pool.evaluateAny;
    try {
      const request = { expression, inputs: [{ ...variables }], floats: true };
      const [result] = await evaluate(request, { tenant });
      return result;
    } catch (cause) {
      if (!(cause instanceof RenderError) || cause.reason !== 'InvalidCELExpression') throw cause;
      throw new ExpressionInvalid(cause.message, { cause });
    }
  }

  async function evaluated(expression: string, kind: 'boolean' | 'any', variables: Variables) {
    const result = await run(expression, kind, variables);
    if (result?.error !== undefined) throw new ExpressionFailed(result.error);
    return result?.value;
  }

  return {
    async check(expression, kind, names) {
      // Only the compiler's result matters here: with empty values an evaluation may well fail.
      await run(expression, kind, Object.fromEntries(names.map((name) => [name, {}])));
    },
    holds: async (expression, variables) =>
      (await evaluated(expression, 'boolean', variables)) === true,
    value: (expression, variables) => evaluated(expression, 'any', variables),
  };
}
