// The text of a message about a group of failures.
import { formatDuration, Reason } from '@weir/api';
import { type FluxEvent, kubeTime } from '@weir/events';
import { parseApiVersion } from '@weir/kube';
import type { GroupFacts } from '../templates/apply.ts';
import type { Due } from './due.ts';
import type { Group } from './record.ts';
import { objectOf } from './subjects.ts';

/** Objects that a message names. */
const NAMED = 10;

export type MessageKind = Exclude<Due['kind'], 'nothing' | 'remove'>;

export interface Situation {
  group: Group;
  kind: MessageKind;
  /** The subjects of the objects that fail now. */
  members: readonly string[];
  /** The event of the first failure. */
  first: FluxEvent;
  /** Whether the receiver changes the message that it has. */
  updates: boolean;
  /** Ms since 1970. */
  now: number;
}

/** The event that is sent for the group, and the data for templates. */
export function describeGroup(situation: Situation): { event: FluxEvent; facts: GroupFacts } {
  const { group, kind, members, first, now } = situation;
  const { apiVersion } = first.involvedObject;
  const count = kind === 'over' ? mostOf(situation) : members.length;
  const names = members.slice(0, NAMED).map((subject) => {
    const { namespace, name } = objectOf(subject);
    return `${namespace}/${name}`;
  });
  const facts: GroupFacts = {
    state: kind === 'over' ? 'over' : 'failing',
    count,
    names,
    since: kubeTime(new Date(group.openedMs)),
  };
  // A single failure has the same text as without groups.
  if (kind === 'failing' && count === 1 && group.most <= 1) {
    return { event: first, facts };
  }
  const { group: api } = parseApiVersion(apiVersion);
  const metadata = {
    ...first.metadata,
    ...(count > 1 ? { [`${api}/failing`]: String(count) } : {}),
  };
  const { [`${api}/failing`]: _, ...withoutCount } = metadata;
  return {
    facts,
    event: {
      ...first,
      timestamp: kubeTime(new Date(now)),
      message: textOf(situation, count, names),
      ...(kind === 'over'
        ? { severity: 'info', reason: Reason.Recovered, metadata: withoutCount }
        : { metadata }),
    },
  };
}

function textOf(situation: Situation, count: number, names: readonly string[]): string {
  const { group, kind, first, updates, now } = situation;
  const lasted = formatDuration(
    Math.max(1_000, Math.round((now - group.openedMs) / 1_000) * 1_000),
  );
  const what = `${count} ${plural(first.involvedObject.kind, count)}`;
  const [cause = '', ...more] = first.message.split('\n');
  const name = `${first.involvedObject.namespace}/${first.involvedObject.name}`;
  if (kind === 'over') {
    const how = group.recovered ? 'Recovered' : 'No longer failing in this way';
    const who = count === 1 ? '' : `: ${what}, first ${name}`;
    return `${how} after ${lasted}${who}\n\nIt was: ${cause}`;
  }
  const others = count > 1 ? `, first ${name}` : '';
  const list = count > 1 ? `\n\nFailing: ${listOf(names, count)}` : '';
  const rest = more.length > 0 ? `\n${more.join('\n')}` : '';
  const left = group.most - count;
  const well = updates && left > 0 ? ` (of ${group.most} at first)` : '';
  if (kind === 'still failing') {
    const who = count > 1 ? ` (${what}${others})` : '';
    return `Still failing after ${lasted}${who}: ${cause}${rest}${list}`;
  }
  const added = count - (group.sent?.count ?? 0);
  if (kind === 'more' && !updates && added > 0) {
    return `${added} more, ${what} fail alike by now${others}: ${cause}${rest}${list}`;
  }
  const fail =
    count > 1 ? `${what} fail alike${well}${others}: ` : well && `1 still fails${well}: `;
  return `${fail}${cause}${rest}${list}`;
}

function mostOf({ group, members }: Situation): number {
  return Math.max(1, group.most, group.sent?.count ?? 0, members.length);
}

function listOf(names: readonly string[], count: number): string {
  const left = count - names.length;
  return `${names.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}

function plural(kind: string, count: number): string {
  if (count === 1) return kind;
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}
