// Records which objects fail for the same cause: the stream of groups has one message for each group and for each
// object in it.
import { createSerial } from '@weir/async';
import { type QueuedMessage, QueueFull, SubjectConflict, type WorkQueue } from '@weir/bus';
import type { FluxEvent } from '@weir/events';
import type { Logger } from '@weir/telemetry';
import type { Delivery } from '../delivery/record.ts';
import { failureClass } from './class.ts';
import { type Failure, failureOf, type Group, parseFailure, parseGroup } from './record.ts';
import type { GroupShare } from './share.ts';
import {
  type AlertRef,
  alertFilter,
  classOf,
  groupSubject,
  groupsFilter,
  memberSubject,
  membersFilter,
} from './subjects.ts';

/** An event of an object for a grouped alert, as its delivery names it. */
export interface GroupEvent {
  alert: Delivery['alert'];
  of: Delivery['event'];
  event: FluxEvent;
}

/** The failures of grouped alerts. All methods reject with BusUnavailable while NATS is away. */
export interface Groups {
  /**
   * Adds a failure to its group; resolves when that is stored. False when there is no room to record it: then it is to
   * be sent by itself.
   */
  failed(groupEvent: GroupEvent): Promise<boolean>;
  /** Removes an object that has recovered from its groups. False when it was in none. */
  recovered(groupEvent: Omit<GroupEvent, 'of'>): Promise<boolean>;
  /** The subjects of the objects in a group. */
  members(alert: AlertRef, failureClass: string): Promise<string[]>;
  /**
   * Stores the state of a group after a message: `after` is its sequence when the message was made. Later changes stay
   * due.
   */
  sent(alert: AlertRef, failureClass: string, group: Group, after: number): Promise<void>;
  /**
   * Removes a group whose last message was sent for its state at `sequence`. What a leaving object has written since is
   * nothing new, and is removed too; a group that has objects again starts anew.
   */
  close(group: Group, failureClass: string, sequence: number): Promise<void>;
  /** Forgets all groups of an alert. */
  forget(alert: AlertRef): Promise<void>;
}

/** Groups of one alert; further failures share one more group. */
const MAX_GROUPS = 50;
const ALL_OTHERS = 'others';
/** An object that still fails is written again after this time, so that it isn't removed from the stream by its age. */
const REFRESH_MS = 60 * 60_000;
/** For a group of up to so many objects the remaining ones are counted each time. */
const SMALL = 20;
const MAX_CONFLICTS = 50;

export function createGroups(options: {
  cluster: string;
  /** The stream of groups. */
  queue: WorkQueue;
  share: GroupShare;
  log: Logger;
}): Groups {
  const { cluster, queue, share, log } = options;
  // Within this process changes of a group run one after the other; those of other replicas are noticed by `SubjectConflict`.
  const inTurn = createSerial();

  async function find(subject: string): Promise<{ group: Group; sequence: number } | undefined> {
    const message = await queue.newest(subject);
    const group = parseGroup(message?.event?.data);
    return message && group && { group, sequence: message.sequence };
  }

  /** Changes a group, or creates it with `first`; a change that returns undefined changes nothing. */
  async function change(
    alert: Delivery['alert'],
    failureClass: string,
    first: Failure | undefined,
    step: (group: Group) => Group | undefined | Promise<Group | undefined>,
  ): Promise<void> {
    const subject = groupSubject(cluster, alert, failureClass);
    const known = (await find(subject))?.group;
    if (known !== undefined && (await step(known)) === undefined) return;
    await inTurn(subject, async () => {
      for (let conflicts = 0; ; conflicts++) {
        const found = await find(subject);
        const before = found?.group ?? (first && opened(alert, first));
        const next = before && (await step(before));
        const wanted = next ?? (found === undefined ? before : undefined);
        if (wanted === undefined) return;
        try {
          await put(subject, wanted, found?.sequence ?? 0);
          return;
        } catch (error) {
          if (!(error instanceof SubjectConflict) || conflicts === MAX_CONFLICTS) throw error;
        }
      }
    });
  }

  async function put(subject: string, group: Group, after?: number): Promise<void> {
    await queue.publish({
      subject,
      id: `${group.id}/${crypto.randomUUID()}`,
      type: 'weir.group',
      source: `/clusters/${cluster}/notification`,
      data: group,
      ...(after === undefined ? {} : { after }),
    });
  }

  async function join(alert: Delivery['alert'], subject: string, failure: Failure): Promise<void> {
    await queue.publish({
      subject,
      id: `${failure.event.id}/${crypto.randomUUID()}`,
      type: 'weir.group.member',
      source: `/clusters/${cluster}/notification`,
      data: failure,
    });
    await touchJoined(alert, classOf(subject), failure);
  }

  const touchJoined = (alert: Delivery['alert'], failureClass: string, failure: Failure) =>
    change(alert, failureClass, failure, (group) =>
      group.joinedMs === undefined
        ? { ...group, joinedMs: Date.now(), newest: failure.event.sequence }
        : undefined,
    );

  const touchLeft = (alert: Delivery['alert'], failureClass: string) =>
    change(alert, failureClass, undefined, (group) =>
      group.leftMs === undefined ? { ...group, leftMs: Date.now() } : undefined,
    );

  /** The group is updated first: after a kill in between the next process does it once more. */
  async function leave(
    alert: Delivery['alert'],
    subject: string,
    how: 'recovered' | 'moved',
  ): Promise<void> {
    const failureClass = classOf(subject);
    await change(alert, failureClass, undefined, async (group) => {
      if (group.leftMs !== undefined && group[how] === true) return undefined;
      const most = Math.max(group.most, (await members(alert, failureClass)).length);
      return { ...group, [how]: true, leftMs: group.leftMs ?? Date.now(), most };
    });
    await queue.removeAll(subject);
    await change(alert, failureClass, undefined, async (group) => {
      // A message that was made in between may have counted the object.
      const isKnown = group.leftMs !== undefined;
      // The end of a small group is sent at once; a large one is checked at intervals.
      const isEnd = group.most <= SMALL && (await members(alert, failureClass)).length === 0;
      return isKnown && !isEnd ? undefined : { ...group, leftMs: Date.now() };
    });
  }

  /** `again` is the subject of an object that fails after the end of the group was sent. */
  async function endOrReopen(
    alert: Delivery['alert'],
    subject: string,
    sequence: number,
    again: string | undefined,
  ): Promise<void> {
    if (again === undefined) return queue.removeUpTo(subject, sequence);
    const failure = parseFailure((await queue.newest(again))?.event?.data);
    if (failure !== undefined) await put(subject, opened(alert, failure), sequence);
  }

  const subjectsUnder = async (filter: string) => [...(await queue.counts(filter)).keys()];

  async function members(alert: AlertRef, failureClass: string): Promise<string[]> {
    return subjectsUnder(membersFilter(cluster, alert, failureClass));
  }

  async function classFor({ alert, event }: GroupEvent): Promise<string> {
    const own = failureClass(event);
    if ((await queue.newest(groupSubject(cluster, alert, own))) !== undefined) return own;
    const open = await subjectsUnder(groupsFilter(cluster, alert));
    return open.length < MAX_GROUPS ? own : ALL_OTHERS;
  }

  async function takeIn(groupEvent: GroupEvent): Promise<boolean> {
    const { alert, of, event } = groupEvent;
    const object = { ...event.involvedObject, group: event.involvedObject.apiVersion };
    const own = await classFor(groupEvent);
    const subject = memberSubject(cluster, alert, object, own);
    const failure = failureOf(event, of);
    const known = await queue.newest(subject);
    if (known !== undefined) {
      await repeated(alert, known, failure);
      return true;
    }
    for (const other of await subjectsUnder(memberSubject(cluster, alert, object))) {
      await leave(alert, other, 'moved');
    }
    if (!(await share.take(alert.namespace))) return false;
    await join(alert, subject, failure);
    return true;
  }

  /** The same failure of the same object: there is nothing new, but the first time may have been interrupted. */
  async function repeated(
    alert: Delivery['alert'],
    known: QueuedMessage,
    failure: Failure,
  ): Promise<void> {
    const before = parseFailure(known.event?.data);
    const isSame = before?.event.id === failure.event.id;
    if (isSame) return touchJoined(alert, classOf(known.subject), failure);
    if (before === undefined || Date.now() - known.atMs > REFRESH_MS) {
      const renewed = { ...failure, atMs: before?.atMs ?? failure.atMs };
      await queue.publish({
        subject: known.subject,
        id: `${failure.event.id}/${crypto.randomUUID()}`,
        type: 'weir.group.member',
        source: `/clusters/${cluster}/notification`,
        data: renewed,
      });
    }
    // Its group exists, unless it was removed from the stream by its age.
    await change(alert, classOf(known.subject), failure, () => undefined);
  }

  return {
    async failed(groupEvent) {
      try {
        return await takeIn(groupEvent);
      } catch (error) {
        if (!(error instanceof QueueFull)) throw error;
        const { namespace, name } = groupEvent.alert;
        log.warn({ namespace, name }, 'The stream of groups is full: a failure is sent on its own');
        return false;
      }
    },
    async recovered({ alert, event }) {
      const object = { ...event.involvedObject, group: event.involvedObject.apiVersion };
      const subjects = await subjectsUnder(memberSubject(cluster, alert, object));
      for (const subject of subjects) await leave(alert, subject, 'recovered');
      return subjects.length > 0;
    },
    members,
    async sent(alert, failureClass, group, after) {
      const subject = groupSubject(cluster, alert, failureClass);
      const { joinedMs: _, leftMs: __, ...rest } = group;
      let left: Group = rest;
      for (let sequence = after, conflicts = 0; ; conflicts++) {
        try {
          await put(subject, left, sequence);
          break;
        } catch (error) {
          if (!(error instanceof SubjectConflict) || conflicts === MAX_CONFLICTS) throw error;
          const found = await find(subject);
          if (found === undefined) return;
          const { sent, most } = group;
          sequence = found.sequence;
          left = { ...found.group, ...(sent ? { sent } : {}), most };
        }
      }
      const count = (await members(alert, failureClass)).length;
      if (count > (group.sent?.count ?? 0)) {
        await change(group.alert, failureClass, undefined, (now) =>
          now.joinedMs === undefined ? { ...now, joinedMs: Date.now() } : undefined,
        );
      } else if (count < (group.sent?.count ?? 0)) await touchLeft(group.alert, failureClass);
    },
    async close(group, failureClass, sequence) {
      const { alert } = group;
      const subject = groupSubject(cluster, alert, failureClass);
      await queue.removeUpTo(subject, sequence);
      for (let conflicts = 0; ; conflicts++) {
        const found = await find(subject);
        if (found !== undefined && found.group.id !== group.id) return;
        const [again] = await members(alert, failureClass);
        if (found === undefined && again === undefined) return;
        try {
          await endOrReopen(alert, subject, found?.sequence ?? 0, again);
        } catch (error) {
          if (!(error instanceof SubjectConflict) || conflicts === MAX_CONFLICTS) throw error;
        }
      }
    },
    async forget(alert) {
      await queue.removeAll(alertFilter(cluster, alert));
    },
  };
}

function opened(alert: Delivery['alert'], first: Failure): Group {
  const now = Date.now();
  const id = crypto.randomUUID();
  const newest = first.event.sequence;
  return {
    alert,
    id,
    first,
    newest,
    openedMs: now,
    joinedMs: now,
    most: 0,
  };
}
