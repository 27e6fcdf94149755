import assert from 'node:assert/strict';
import { it } from 'node:test';
import { alertOf, eventOf } from '../testing/fixtures.ts';
import { describeGroup } from './describe.ts';
import { CHECK_MS, type Due, whatIsDue } from './due.ts';
import { failureOf, type Group } from './record.ts';
import { groupingOf } from './settings.ts';

const NOW = Date.parse('2026-01-02T04:00:00Z');
const MINUTE = 60_000;
const grouping = { windowMs: 30_000, reminderMs: 240 * MINUTE };

function groupOf(more: Partial<Group>): Group {
  const first = failureOf(eventOf({}, { severity: 'error', message: 'no such file' }), {
    sequence: 7,
    id: 'e7',
  });
  const alert = { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' };
  const counts = { most: 0, newest: 7 };
  return { alert, id: 'g1', first, openedMs: NOW, ...counts, ...more };
}

it('decides by what was sent, what changed and what time it is', () => {
  const sentAt = (atMs: number, messages = 1) => ({
    sent: { atMs, count: 3, messages, message: 1 },
  });
  const table: [string, Partial<Group>, number, boolean, Due | Due['kind']][] = [
    ['in the window', {}, 3, false, { kind: 'nothing', inMs: 30_000 }],
    ['at once, where it can be changed', {}, 3, true, 'failing'],
    ['after the window', { openedMs: NOW - 30_000 }, 3, false, 'failing'],
    [
      'well within the window',
      { openedMs: NOW - 30_000, recovered: true as const },
      0,
      false,
      'over',
    ],
    ['never anything', { openedMs: NOW - 30_000 }, 0, false, 'remove'],
    ['nothing new', sentAt(NOW - MINUTE), 3, false, { kind: 'nothing', inMs: CHECK_MS }],
    ['more', { ...sentAt(NOW - MINUTE), joinedMs: NOW }, 5, false, 'more'],
    [
      'more, but twice as late each time',
      { ...sentAt(NOW - MINUTE, 3), joinedMs: NOW },
      5,
      false,
      { kind: 'nothing', inMs: MINUTE },
    ],
    ['more, in a changed message', { ...sentAt(NOW - MINUTE, 3), joinedMs: NOW }, 5, true, 'more'],
    [
      'some are well: not a message of its own',
      { ...sentAt(NOW - MINUTE), leftMs: NOW },
      1,
      false,
      { kind: 'nothing', inMs: 2_000 },
    ],
    [
      'some are well, in a changed message',
      { ...sentAt(NOW - MINUTE), leftMs: NOW },
      1,
      true,
      'more',
    ],
    [
      'all are well',
      { ...sentAt(NOW - 1_000), leftMs: NOW, recovered: true as const },
      0,
      false,
      'over',
    ],
    ['a reminder', sentAt(NOW - 240 * MINUTE), 3, false, 'still failing'],
  ];
  for (const [name, group, count, updates, expected] of table) {
    const due = whatIsDue(groupOf(group), count, { grouping, updates, now: NOW });
    assert.deepEqual(typeof expected === 'string' ? due.kind : due, expected, name);
  }
  const never = { windowMs: 30_000, reminderMs: undefined };
  const old = groupOf(sentAt(NOW - 10_000 * MINUTE));
  const due = whatIsDue(old, 3, { grouping: never, updates: false, now: NOW });
  assert.deepEqual(due, { kind: 'nothing', inMs: CHECK_MS });
});

it('says how many fail, which first, and that they are well', () => {
  const first = eventOf(
    {},
    { severity: 'error', reason: 'BuildFailed', message: 'no such file\nin apps' },
  );
  const members = Array.from(
    { length: 12 },
    (_, i) => `weir.group.test.flux-system.chat.m.c.Kustomization%2Ex.team-${i}.app`,
  );
  const open = groupOf({ openedMs: NOW - 30_000 });
  const say = (group: Group, what: 'failing' | 'more' | 'still failing' | 'over', count: number) =>
    describeGroup({
      ...{ group, kind: what, first, updates: false, now: NOW },
      members: members.slice(0, count),
    });
  assert.deepEqual(say(open, 'failing', 1).event, first, 'one that is alone reads as in Flux');
  const failing = say(open, 'failing', 12);
  assert.equal(
    failing.event.message,
    '12 Kustomizations fail alike, first flux-system/apps: no such file\nin apps\n\nFailing: team-0/app, team-1/app, team-2/app, team-3/app, team-4/app, team-5/app, team-6/app, team-7/app, team-8/app, team-9/app and 2 more',
  );
  assert.equal(failing.event.metadata?.['kustomize.toolkit.fluxcd.io/failing'], '12');
  assert.equal(failing.facts.count, 12);
  const sent = { atMs: NOW - MINUTE, count: 3, messages: 1, message: 1 };
  const later = groupOf({ openedMs: NOW - 90_000, sent, most: 3 });
  assert.match(
    say(later, 'more', 5).event.message,
    /^2 more, 5 Kustomizations fail alike by now, first/,
  );
  assert.match(
    say(later, 'still failing', 1).event.message,
    /^Still failing after 1m30s: no such file/,
  );
  const over = say({ ...later, recovered: true as const }, 'over', 0).event;
  assert.equal(
    over.message,
    'Recovered after 1m30s: 3 Kustomizations, first flux-system/apps\n\nIt was: no such file',
  );
  assert.deepEqual([over.severity, over.reason], ['info', 'Recovered']);
  const moved = say({ ...later, moved: true as const }, 'over', 0).event.message;
  assert.match(moved, /^No longer failing in this way after 1m30s/);
});

it('is what the alert says, or the flag for chats without it', () => {
  const providerOf = (type: 'slack' | 'generic' | 'github') => ({
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Provider',
    metadata: { name: 'chat', namespace: 'flux-system' },
    spec: { type },
  });
  const of = (grouping: object | undefined, type: 'slack' | 'generic' | 'github', flag = 0) =>
    groupingOf(alertOf(grouping === undefined ? {} : { grouping }), providerOf(type), flag);
  assert.equal(of(undefined, 'slack'), undefined);
  assert.deepEqual(of(undefined, 'slack', 10_000), { windowMs: 10_000, reminderMs: 240 * MINUTE });
  assert.equal(of(undefined, 'generic', 10_000), undefined, 'machines get what Flux sends');
  assert.deepEqual(of({}, 'generic'), grouping);
  assert.equal(of({ window: '0s' }, 'slack', 10_000), undefined);
  assert.deepEqual(of({ window: '10000m', reminder: '1ms' }, 'slack'), {
    windowMs: 10 * MINUTE,
    reminderMs: MINUTE,
  });
  assert.equal(of({ reminder: '0s' }, 'slack')?.reminderMs, undefined);
  assert.equal(of({}, 'github', 10_000), undefined, 'a status belongs to one object');
});
