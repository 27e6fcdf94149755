// Reconciles one Receiver, from top to bottom: checks its expressions, reads its token, writes its path.
import { FINALIZER, isRequested, Reason, Receiver, type ReceiverStatus } from '@weir/api';
import {
  addFinalizer,
  type Informer,
  type Outcome,
  type ReconcileContext,
  removeFinalizer,
} from '@weir/controller';
import type { Recorder } from '@weir/events';
import { isNotFound, type KubeClient, readSecret } from '@weir/kube';
import {
  asFailed,
  asProgressing,
  asSucceeded,
  Failure,
  intervalMs,
  isReported,
  newestOf,
  openStatus,
  setFields,
} from '@weir/reconcile';
import { ExpressionInvalid, type Expressions } from './expressions.ts';
import { webhookPath } from './path.ts';

const FIELD_MANAGER = 'notification-controller';
const IN_PROGRESS = 'Reconciliation in progress';
const DEFAULT_INTERVAL = '10m';

export interface ReceiverEnvironment {
  client: KubeClient;
  recorder: Recorder;
  expressionsOf(namespace: string): Expressions;
  /** Routes calls of the path to the Receiver from now on; undefined for a Receiver without one. */
  setPath(receiver: Receiver, path: string | undefined): void;
  minIntervalMs: number;
}

/** Reconciles one Receiver once. */
export async function reconcile(
  found: Receiver,
  context: ReconcileContext,
  informer: Informer<Receiver>,
  environment: ReceiverEnvironment,
): Promise<Outcome> {
  const { client, recorder } = environment;
  const newest = await newestOf(found, context, { client, kind: Receiver, informer });
  if (newest === undefined) return {};
  const writing = { fieldManager: FIELD_MANAGER, informer, guard: context.guard };
  if (newest.metadata.deletionTimestamp !== undefined) {
    await removeFinalizer(client, Receiver, newest, FINALIZER, writing);
    return {};
  }
  const object = await addFinalizer(client, Receiver, newest, FINALIZER, writing);
  if (object.spec.suspend) return {};
  const status = openStatus<Receiver, ReceiverStatus>(object, context, {
    ...{ client, kind: Receiver, informer, fieldManager: FIELD_MANAGER },
    types: {},
  });
  const { namespace = '' } = object.metadata;
  status.update((report) => asProgressing(report, IN_PROGRESS));
  try {
    await checkExpressions(object, environment.expressionsOf(namespace));
    const path = webhookPath(object, await readToken(client, object));
    environment.setPath(object, path);
    const message = `Receiver initialized for path: ${path}`;
    status.update((report) =>
      setFields(asSucceeded(report, { reason: Reason.Succeeded, message }), { webhookPath: path }),
    );
    await status.finish();
    const interval = object.spec.interval ?? DEFAULT_INTERVAL;
    return { requeueAfterMs: intervalMs(interval, environment.minIntervalMs) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    environment.setPath(object, undefined);
    const isNews =
      !isReported(object, error) || isRequested(object, object.status?.lastHandledReconcileAt);
    status.update((report) => setFields(asFailed(report, error), { webhookPath: undefined }));
    await status.finish();
    const { message, event } = error;
    const said = { severity: 'error' as const, reason: error.reason, message };
    if (isNews && event !== 'none') recorder.event(object, { ...said, ...event });
    return error.stalled ? {} : { retry: error };
  }
}

/** The token as Flux reads it: with any white space around it. Empty for types without a Secret. */
async function readToken(client: KubeClient, { spec, metadata }: Receiver): Promise<string> {
  const name = spec.secretRef?.name;
  if (name === undefined) return '';
  const { namespace = '' } = metadata;
  const failed = (why: string, cause?: unknown) => {
    const message = `unable to read token from secret '${namespace}/${name}' error: ${why}`;
    const event = { severity: 'error' as const, reason: Reason.Failed, message };
    return new Failure(Reason.TokenNotFound, message, { event, cause });
  };
  try {
    const token = (await readSecret(client, { namespace, name })).get('token');
    if (token === undefined) throw failed("invalid secret data: required field 'token'");
    return token.toString('utf8');
  } catch (error) {
    if (isNotFound(error)) throw failed(`secrets "${name}" not found`, error);
    throw error;
  }
}

/** An expression that doesn't compile can never work, so that is reported at once and not with the first call. */
async function checkExpressions({ spec }: Receiver, expressions: Expressions): Promise<void> {
  const names = ['req', 'res', ...(spec.type === 'generic-oidc' ? ['claims'] : [])];
  const check = async (
    what: string,
    expression: string | undefined,
    kind: 'boolean' | 'any',
    variables: readonly string[],
  ) => {
    if (!expression) return;
    await expressions.check(expression, kind, variables).catch((cause: unknown) => {
      if (!(cause instanceof ExpressionInvalid)) throw cause;
      const message = `Reconciliation failed terminally due to configuration error: ${what}: ${cause.message}`;
      throw new Failure(Reason.InvalidCELExpression, message, { stalled: true, cause });
    });
  };
  await check('invalid resourceFilter expression', spec.resourceFilter, 'boolean', names);
  for (const [index, { kind, name, filter }] of spec.resources.entries()) {
    const which = `resources[${index}] (kind="${kind}", name="${name}")`;
    await check(`invalid filter expression for ${which}`, filter, 'boolean', names);
  }
  for (const [index, provider] of (spec.oidcProviders ?? []).entries()) {
    const which = `oidcProviders[${index}] (issuerURL="${provider.issuerURL}")`;
    const claims = ['claims', 'vars'];
    for (const { name, expression } of provider.variables ?? []) {
      await check(`${which}: invalid expression for variable "${name}"`, expression, 'any', claims);
    }
    for (const { message, expression } of provider.validations) {
      const what = `${which}: invalid expression for validation "${message}"`;
      await check(what, expression, 'boolean', claims);
    }
  }
}
