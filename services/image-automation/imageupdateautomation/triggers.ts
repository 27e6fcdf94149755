// What starts runs of automations besides their own changes: a policy that chose another image, and another spec of a
// GitRepository.
import {
  type GitRepository,
  type ImagePolicy,
  type ImageUpdateAutomation,
  parseDuration,
  resolveReference,
} from '@weir/api';
import type { Change, Controller, Informer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { POLICY_CHANGED } from './reconcile.ts';

/** How often a further change may restart the wait. */
const LONGEST_WAIT = 4;

export interface TriggerOptions {
  controller: Pick<Controller, 'enqueue'>;
  automations: Pick<Informer<ImageUpdateAutomation>, 'list' | 'get'>;
  policies: Pick<Informer<ImagePolicy>, 'onChange'>;
  sources: Pick<Informer<GitRepository>, 'onChange'>;
}

/** Returns a function that ends the subscriptions. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { controller, automations, policies, sources } = options;
  const waiting = new Map<string, { timer: NodeJS.Timeout; untilMs: number }>();

  function run(key: string): void {
    waiting.delete(key);
    controller.enqueue(key, { cause: POLICY_CHANGED });
  }

  /** Changes shortly after each other become one commit; the first of them waits for a bounded time. */
  function runLater(key: string, delayMs: number): void {
    const now = Date.now();
    const before = waiting.get(key);
    clearTimeout(before?.timer);
    const untilMs = before?.untilMs ?? now + LONGEST_WAIT * delayMs;
    const timer = setTimeout(run, Math.max(0, Math.min(delayMs, untilMs - now)), key);
    waiting.set(key, { timer, untilMs });
  }

  function onPolicy({ type, object, previous }: Change<ImagePolicy>): void {
    if (type === 'deleted' || !choseAnother(previous, object)) return;
    for (const automation of automations.list()) {
      if (automation.metadata.namespace !== object.metadata.namespace) continue;
      const { policyChangeDelay } = automation.spec;
      const key = objectKey(automation);
      const delayMs = policyChangeDelay ? parseDuration(policyChangeDelay) : 0;
      if (delayMs > 0) runLater(key, delayMs);
      else run(key);
    }
  }

  function onSource({ type, object, previous }: Change<GitRepository>): void {
    const isSame = previous?.metadata.generation === object.metadata.generation;
    if (type === 'deleted' || (previous !== undefined && isSame)) return;
    for (const automation of automations.list()) {
      if (objectKey(resolveReference(automation.spec.sourceRef, automation)) !== objectKey(object))
        continue;
      controller.enqueue(objectKey(automation), { cause: 'source' });
    }
  }

  const stops = [policies.onChange(onPolicy), sources.onChange(onSource)];
  return () => {
    for (const stop of stops) stop();
    for (const { timer } of waiting.values()) clearTimeout(timer);
    waiting.clear();
  };
}

function choseAnother(before: ImagePolicy | undefined, now: ImagePolicy): boolean {
  const [was, is] = [before?.status?.latestRef, now.status?.latestRef];
  if (is === undefined || before === undefined) return false;
  return was?.name !== is.name || was.tag !== is.tag || (was.digest ?? '') !== (is.digest ?? '');
}
