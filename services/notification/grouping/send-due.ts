// Processes a group: group -> what is due -> its message -> the recorded state. delivery/lanes.ts decides when.
import type { Alert, Provider } from '@weir/api';
import { BusUnavailable, type Head, type WorkQueue } from '@weir/bus';
import type { Informer } from '@weir/controller';
import type { FluxEvent } from '@weir/events';
import type { DeadLetters } from '../delivery/dead-letters.ts';
import type { ReadEvent } from '../delivery/events.ts';
import type { Attempt, AttemptResult } from '../delivery/lanes.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Reports } from '../delivery/report.ts';
import { retryDelayMs } from '../delivery/retry.ts';
import type { Send } from '../delivery/send.ts';
import { type ReadTarget, timeLimitMs } from '../providers/read-target.ts';
import { providerOf } from '../providers/silent.ts';
import { typeOf } from '../providers/types.ts';
import { describeGroup, type MessageKind } from './describe.ts';
import { CHECK_MS, whatIsDue } from './due.ts';
import type { Groups } from './groups.ts';
import { eventOfFailure, type Group, parseGroup } from './record.ts';
import type { FindRecovered } from './recovered.ts';
import { type Grouping, groupingOf } from './settings.ts';
import { classOf } from './subjects.ts';

export interface SendDueOptions {
  queue: Pick<WorkQueue, 'get'>;
  groups: Groups;
  currentAlert(of: { alert: Delivery['alert'] }): Promise<Alert | undefined>;
  readEvent: ReadEvent;
  providers: Pick<Informer<Provider>, 'get'>;
  readTarget: ReadTarget;
  findRecovered: FindRecovered;
  send: Send;
  deadLetters: Pick<DeadLetters, 'store'>;
  reports: Pick<Reports, 'failure'>;
  defaultWindowMs: number;
}

/** For a group whose alert no longer groups: it sends what is due, and ends. */
const AT_ONCE: Grouping = { windowMs: 0, reminderMs: undefined };

/** Returns the function that checks a group, and sends its message when one is due. */
export function createSendDue(work: SendDueOptions) {
  return async function sendDue(head: Head, attempt: Attempt): Promise<AttemptResult> {
    const message = await work.queue.get(head);
    const group = parseGroup(message?.event?.data);
    if (group === undefined) return 'done';
    const alert = await work.currentAlert(group);
    if (alert === undefined) {
      await work.groups.forget(group.alert);
      return 'done';
    }
    const provider = providerOf(work.providers, alert);
    if (alert.spec.suspend || provider?.spec.suspend) return { retryInMs: CHECK_MS, idle: true };
    const known = groupingOf(alert, provider, work.defaultWindowMs);
    if (known === undefined && provider !== undefined && group.sent !== undefined) {
      await work.groups.forget(group.alert);
      return 'done';
    }
    const context = { head, group, alert, provider, grouping: known ?? AT_ONCE, attempt };
    try {
      return await sendIfDue(context);
    } catch (error) {
      if (attempt.signal.aborted || error instanceof BusUnavailable) throw error;
      return failed(context, error);
    }
  };

  async function sendIfDue(context: GroupContext): Promise<AttemptResult> {
    const { head, group, provider, grouping, attempt } = context;
    const signal = AbortSignal.any([attempt.signal, AbortSignal.timeout(timeLimitMs(provider))]);
    const updates = await canUpdate(provider, signal);
    const members = await work.groups.members(group.alert, classOf(head.subject));
    const now = Date.now();
    const due = whatIsDue(group, members.length, { grouping, updates, now });
    if (due.kind === 'nothing') {
      await work.findRecovered(head.subject, group, members);
      return { retryInMs: Math.min(due.inMs, CHECK_MS), idle: true };
    }
    if (due.kind !== 'remove') {
      await send({ ...context, members, updates, signal, now }, due.kind);
    }
    await recordMessage(head, afterMessage(group, members, due.kind === 'still failing'), members);
    return 'done';
  }

  /**
   * Stores the state of a group after a message about `members` was sent, or given up. Without members the group ends.
   */
  async function recordMessage(
    { subject, sequence }: Head,
    group: Group,
    members: string[],
  ): Promise<void> {
    const failureClass = classOf(subject);
    if (members.length === 0) await work.groups.close(group, failureClass, sequence);
    else await work.groups.sent(group.alert, failureClass, group, sequence);
  }

  async function canUpdate(provider: Provider | undefined, signal: AbortSignal): Promise<boolean> {
    const updates = provider && typeOf(provider)?.updates;
    if (provider === undefined || updates === undefined) return false;
    return updates(await work.readTarget(provider, signal));
  }

  async function send(what: Sending, kind: MessageKind): Promise<void> {
    const { group, alert, provider, members, updates, signal, now } = what;
    const first = (await work.readEvent(group.first.event)) ?? eventOfFailure(group.first);
    const messages = group.sent?.messages ?? 0;
    const { event, facts } = describeGroup({ group, kind, members, first, updates, now });
    await work.send({
      ...{ alert, provider, event, group: facts, signal },
      id: `${group.id}/${messages}/${kind}`,
      order: group.newest,
      rollout: {
        key: `group/${group.id}`,
        // A new message is noticed, and a changed one is not.
        id: String(kind === 'still failing' ? messages + 1 : (group.sent?.message ?? 1)),
        ...(kind === 'more' ? { quiet: true } : {}),
      },
    });
  }

  async function failed(context: GroupContext, error: unknown): Promise<AttemptResult> {
    const { head, group, alert, provider, attempt } = context;
    const { openedMs, joinedMs, leftMs, sent } = group;
    const sinceMs = Math.min(
      joinedMs ?? Date.now(),
      leftMs ?? Date.now(),
      sent ? Date.now() : openedMs,
    );
    const retryInMs = retryDelayMs(error, attempt.number, Date.now() - sinceMs);
    const why = error instanceof Error ? error.message : String(error);
    const event: FluxEvent = eventOfFailure(group.first);
    work.reports.failure({ alert, provider, event, why, attempt: attempt.number, retryInMs });
    if (retryInMs !== undefined) return { retryInMs };
    const { object, reason } = group.first;
    const { severity, timestamp } = event;
    const delivery = { alert: group.alert, event: group.first.event };
    const id = `${group.id}/${sent?.messages ?? 0}`;
    await work.deadLetters.store(id, { ...delivery, object, severity, reason, timestamp }, why);
    const members = await work.groups.members(group.alert, classOf(head.subject));
    await recordMessage(head, afterMessage(group, members, false), members);
    return 'done';
  }
}

interface GroupContext {
  head: Head;
  group: Group;
  alert: Alert;
  provider: Provider | undefined;
  grouping: Grouping;
  attempt: Attempt;
}

interface Sending extends GroupContext {
  members: string[];
  updates: boolean;
  signal: AbortSignal;
  now: number;
}

/** `isNew` says that a new message was sent, which from now on is the one that changes. */
function afterMessage(group: Group, { length }: readonly string[], isNew: boolean): Group {
  const messages = (group.sent?.messages ?? 0) + 1;
  const message = isNew ? messages : (group.sent?.message ?? 1);
  const sent = { atMs: Date.now(), count: length, messages, message };
  return { ...group, sent, most: Math.max(group.most, length) };
}
