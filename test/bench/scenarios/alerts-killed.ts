// Many events while the system crashes in the middle of them: which of those that it accepted become messages.
import type { Receiver } from '@weir/cluster';
import { now } from '../measure/clock.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import {
  arrivals,
  eventOf,
  publish,
  refuseAThird,
  SILENCE_MS,
  silence,
  withTarget,
} from './alert-events.ts';

const EVENTS = 2_000;
const CRASH_AFTER = 1_000;
const SENDERS = 8;

export const alertsKilled: OwnScenario = {
  kind: 'own',
  name: 'alerts-killed',
  about: `${EVENTS} events to one target, with a crash after ${CRASH_AFTER} of them`,
  runs: 'alerts',
  sizes: () => [1],
  run: (trial) =>
    withTarget(trial, async (target) => {
      const answering = await measure(trial, target, 'killed', 'a crash, a target that answers');
      refuseAThird(target);
      const what = 'a crash, a third of the answers 500';
      return [answering, await measure(trial, target, 'killed-refused', what)];
    }),
};

async function measure(
  trial: Trial,
  target: Receiver,
  id: string,
  what: string,
): Promise<Measurement> {
  trial.progress(`${EVENTS} events, ${what}`);
  target.clear();
  const { result, spent } = await spentOn(trial, () => sendAll(trial, target, id), { quietMs: 0 });
  const { accepted, startedAt } = result;
  const arrivedAt = arrivals(target);
  const arrived = [...accepted].filter((name) => arrivedAt.has(name)).length;
  const messages = target.requests().filter(({ status }) => status === 200).length;
  const twice = messages - arrivedAt.size;
  return {
    id,
    name: `${EVENTS} events, ${what}: ${accepted.size} accepted, ${arrived} of them arrived, ${twice} twice`,
    ...{ apps: 1, count: EVENTS, unit: 'event', spent },
    times: { 'the last message': [Math.max(...arrivedAt.values()) - startedAt] },
  };
}

/** Sends the events, and crashes the system once so many are accepted. What nobody accepts is not sent again. */
async function sendAll(trial: Trial, target: Receiver, id: string) {
  const names = Array.from({ length: EVENTS }, (_, index) => `${id}-${index}`).values();
  const accepted = new Set<string>();
  const startedAt = now();
  let crashed: Promise<void> | undefined;
  const sender = async () => {
    for (const name of names) {
      const isAccepted = await publish(trial, eventOf(trial, name)).then(
        () => true,
        () => false,
      );
      if (isAccepted) accepted.add(name);
      if (accepted.size >= CRASH_AFTER) crashed ??= trial.system.crash();
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  await crashed;
  await silence(target, SILENCE_MS, accepted.size);
  return { accepted, startedAt };
}
