// CEL expressions of an object: the health of kinds that kstatus does not know, and the readiness of dependencies. They
// are evaluated in the render engine.
import { Reason } from '@weir/api';
import type { StatusFunction } from '@weir/apply';
import type { KubeObject } from '@weir/kube';
import {
  type Evaluation,
  type HealthCheckExpression,
  RenderError,
  type RenderPool,
} from '@weir/render';
import { Failure } from './failure.ts';

type Pool = Pick<RenderPool, 'status' | 'evaluate'>;

/** An object with `spec.healthCheckExprs`. */
export type Checked = KubeObject & { spec: { healthCheckExprs?: HealthCheckExpression[] } };

/** The health of objects, with `spec.healthCheckExprs` for the kinds that it names. */
export function statusFunction(pool: Pool, object: Checked): StatusFunction {
  const checks = expressionsOf(object);
  const tenant = object.metadata.namespace ?? '';
  return (objects) => pool.status(objects, { tenant, checks });
}

/** Fails with InvalidCELExpression, until the spec changes, for `healthCheckExprs` that don't compile. */
export async function requireExpressions(pool: Pool, object: Checked): Promise<void> {
  const checks = expressionsOf(object);
  if (checks === undefined) return;
  try {
    await pool.status([], { tenant: object.metadata.namespace ?? '', checks });
  } catch (error) {
    throw terminal(error, ({ message }) => message);
  }
}

/**
 * Evaluates a dependency's `readyExpr`, in which `self` and `dep` are the two objects; an error of the evaluation is
 * the reason why the dependency is not ready yet. Throws a Failure for an expression that doesn't compile.
 */
export async function evaluateReady(
  pool: Pool,
  expression: string,
  { self, dep }: { self: KubeObject; dep: KubeObject },
): Promise<Evaluation> {
  try {
    const tenant = self.metadata.namespace ?? '';
    const [result] = await pool.evaluate({ expression, inputs: [{ self, dep }] }, { tenant });
    return result ?? { error: 'the expression was not evaluated' };
  } catch (error) {
    const name = dep.metadata.name;
    const explain = ({ message }: Error) =>
      `terminal error: failed to evaluate dependency ${name}: ${message}`;
    throw terminal(error, explain);
  }
}

function expressionsOf({ spec }: Checked): readonly HealthCheckExpression[] | undefined {
  const { healthCheckExprs = [] } = spec;
  return healthCheckExprs.length > 0 ? healthCheckExprs : undefined;
}

function terminal(error: unknown, explain: (error: Error) => string): unknown {
  if (!(error instanceof RenderError) || error.reason !== Reason.InvalidCELExpression) return error;
  const message = `Reconciliation failed terminally due to configuration error: ${explain(error)}`;
  return new Failure(Reason.InvalidCELExpression, message, { stalled: true, cause: error });
}
