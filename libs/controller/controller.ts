// Turns changes into runs: an object that changed goes into the queue if this replica owns it. When its turn comes the
// reconciler is called, with signals that tell it when to stop.
import { reconcileRequest } from '@weir/api';
import { type KubeObject, objectKey } from '@weir/kube';
import type { Change } from './informer.ts';
import { withJitter } from './jitter.ts';
import { NotOwner } from './membership.ts';
import { createControllerMetrics } from './metrics.ts';
import { createQueue, type Turn } from './queue.ts';
import type { Controller, ControllerOptions, Outcome, ReconcileContext } from './reconcile.ts';

/** The abort reason of a run that did not fail: the process stops, the object was deleted, or a newer run replaces it. */
export class Stopped extends Error {
  override name = 'Stopped';
  readonly reason = 'Stopped';
  /** The other object whose change caused this, such as `GitRepository/apps/web`, where it is known. */
  readonly subject: string | undefined;
  /** The cause of the run that replaces this one, as it was enqueued. */
  readonly trigger: string | undefined;

  constructor(message: string, { subject, trigger }: { subject?: string; trigger?: string } = {}) {
    super(message);
    this.subject = subject;
    this.trigger = trigger;
  }
}

interface Run {
  stop: AbortController;
  superseded: AbortController;
  waits: number;
}

const DEFAULT_JITTER = 0.05;
const DEFAULT_STOP_GRACE_MS = 5_000;
/** When to run again after guard() refused a write, in ms. By then it is clear whether this replica owns the object. */
const REFUSED_RETRY_MS = 1_000;

/** Starts a controller. It begins to reconcile when the informer has synced, and goes on until it is closed. */
export function runController<T extends KubeObject>(options: ControllerOptions<T>): Controller {
  const { kind, informer, membership, tracing, concurrency, retry } = options;
  const { jitter = DEFAULT_JITTER, stopGraceMs = DEFAULT_STOP_GRACE_MS } = options;
  const log = options.log.child({ controller: options.name });
  const metrics = createControllerMetrics(options.metrics, options.name, kind.kind);
  const ownershipKey =
    options.ownershipKey ?? ((object: T) => `${kind.kind}/${objectKey(object.metadata)}`);
  const owned = new Set<string>();
  const runs = new Map<string, Run>();
  const queue = createQueue({ concurrency, retry, run });
  let started = false;
  let closing = false;

  /** Updates whether this replica owns the object: `gained` when it does since now, `ours` when it did before. */
  function claim(object: T): 'ours' | 'gained' | 'other' {
    const key = objectKey(object.metadata);
    const before = owned.has(key);
    if (membership.owns(ownershipKey(object))) {
      owned.add(key);
      metrics.objects(owned.size);
      return before ? 'ours' : 'gained';
    }
    if (before) disown(object, new NotOwner(`${key} belongs to another replica now`));
    return 'other';
  }

  function disown(object: T, why: Error) {
    const key = objectKey(object.metadata);
    owned.delete(key);
    metrics.objects(owned.size);
    metrics.forget(object);
    queue.remove(key);
    runs.get(key)?.stop.abort(why);
  }

  function onChange({ type, object, previous }: Change<T>) {
    const key = objectKey(object.metadata);
    if (type === 'deleted') {
      if (owned.has(key)) disown(object, new Stopped(`${key} is gone`));
      return;
    }
    const claimed = claim(object);
    if (claimed === 'other') return;
    metrics.state(object);
    if (claimed === 'gained') queue.add(key, { cause: previous ? 'gained' : 'added' });
    else if (previous) onUpdate(key, causeOf(previous, object));
  }

  function onUpdate(key: string, cause: string | undefined) {
    if (cause === undefined) return;
    if (cause !== 'requested') {
      queue.forgive(key);
      runs.get(key)?.superseded.abort(new Stopped(`${key} changed`));
    }
    queue.add(key, { cause });
  }

  function claimAll(cause: string) {
    metrics.replicas(membership.members().length);
    for (const object of informer.list()) {
      if (claim(object) !== 'gained') continue;
      metrics.state(object);
      queue.add(objectKey(object.metadata), { cause });
    }
  }

  async function run(turn: Turn): Promise<Outcome> {
    const object = informer.get(turn.key);
    if (!object || !owned.has(turn.key)) return {};
    const current: Run = {
      stop: new AbortController(),
      superseded: new AbortController(),
      waits: 0,
    };
    runs.set(turn.key, current);
    metrics.started(turn, queue.stats());
    const startedAt = performance.now();
    const ended = await call(object, turn, current);
    runs.delete(turn.key);
    // An object that was deleted or has another owner by now must not appear in the metrics of this replica again.
    if (owned.has(turn.key)) metrics.duration(object, performance.now() - startedAt);
    metrics.ended(ended.how, queue.stats());
    return ended.outcome;
  }

  async function call(object: T, turn: Turn, current: Run) {
    const { namespace = '', name } = object.metadata;
    const context = contextOf(object, turn, current);
    const attributes = {
      'k8s.object.kind': kind.kind,
      'k8s.namespace.name': namespace,
      'k8s.object.name': name,
      'weir.causes': [...turn.causes].join(','),
      'weir.attempt': turn.attempt,
    };
    try {
      const outcome = await tracing.span(
        `reconcile ${kind.kind}`,
        { parent: turn.traceparent, links: turn.links, attributes },
        async () => {
          const outcome = await options.reconcile(object, context);
          // A returned failure is thrown here, so that the span is marked as failed like one that was thrown.
          if ('retry' in outcome) throw outcome.retry;
          return outcome;
        },
      );
      return { how: 'success', outcome: withJitter(outcome, jitter) };
    } catch (error) {
      return failed(error, current, context);
    }
  }

  function failed(error: unknown, { stop, superseded }: Run, { log, attempt }: ReconcileContext) {
    if (stop.signal.aborted) return { how: 'stopped', outcome: {} };
    if (error instanceof NotOwner) {
      log.info(error.message);
      return { how: 'refused', outcome: { requeueAfterMs: REFUSED_RETRY_MS } };
    }
    // The change that superseded this run has already put the object into the queue again.
    if (superseded.signal.aborted) return { how: 'superseded', outcome: {} };
    log.error({ err: error, attempt }, 'Reconciliation failed');
    const retry = error instanceof Error ? error : new Error(String(error));
    return { how: 'failure', outcome: { retry } };
  }

  function contextOf(object: T, turn: Turn, current: Run): ReconcileContext {
    const { namespace, name } = object.metadata;
    return {
      signal: current.stop.signal,
      superseded: current.superseded.signal,
      causes: turn.causes,
      attempt: turn.attempt,
      log: log.child({ kind: kind.kind, namespace, name }),
      ...(turn.traceparent !== undefined && { traceparent: turn.traceparent }),
      async waiting(wait) {
        current.waits += 1;
        if (closing) current.stop.abort(new Stopped('the service stops'));
        try {
          return await turn.waiting(wait);
        } finally {
          current.waits -= 1;
        }
      },
      elsewhere: turn.waiting,
      guard() {
        current.stop.signal.throwIfAborted();
        membership.guard(ownershipKey(informer.get(turn.key) ?? object));
      },
    };
  }

  const stopChanges = informer.onChange((change) => {
    if (started && !closing) onChange(change);
  });
  const stopMembers = membership.onChange(() => {
    if (started && !closing) claimAll('gained');
  });
  informer.synced().then(
    () => {
      started = true;
      if (!closing) claimAll('added');
    },
    (error: unknown) => log.debug({ err: error }, 'Closed before the first list was complete'),
  );

  return {
    enqueue(key, { interrupt = false, subject, ...add }) {
      if (closing || !owned.has(key)) return;
      const why = { trigger: add.cause, ...(subject === undefined ? {} : { subject }) };
      if (interrupt) runs.get(key)?.superseded.abort(new Stopped(`${key}: ${add.cause}`, why));
      queue.add(key, add);
    },
    isRunning: (key) => runs.has(key),
    idle: queue.idle,
    async close() {
      closing = true;
      stopChanges();
      stopMembers();
      const ended = queue.close();
      const abort = (which: (run: Run) => boolean) => {
        for (const run of runs.values()) {
          if (which(run)) run.stop.abort(new Stopped('the service stops'));
        }
      };
      abort(({ waits }) => waits > 0);
      const timer = setTimeout(abort, stopGraceMs, () => true);
      await ended.finally(() => clearTimeout(timer));
    },
  };
}

/** The cause for a run that an update gives; undefined when only status, labels or other metadata changed. */
function causeOf(previous: KubeObject, object: KubeObject): string | undefined {
  const [was, is] = [previous.metadata, object.metadata];
  if (was.deletionTimestamp === undefined && is.deletionTimestamp !== undefined) return 'deleted';
  if (was.generation !== is.generation) return 'spec';
  if (reconcileRequest(previous) !== reconcileRequest(object)) return 'requested';
  return undefined;
}
