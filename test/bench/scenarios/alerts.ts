// Many events at once to one target: how soon each becomes a message, and whether every one does.
import { setTimeout as delay } from 'node:timers/promises';
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
/** How many senders there are, each of which waits until its event is accepted before it sends the next one. */
const SENDERS = 8;
/** Events that come one by one, and how long after each other, in ms. */
const STEADY = 300;
const STEADY_MS = 30;

export const alerts: OwnScenario = {
  kind: 'own',
  name: 'alerts',
  about: `events one by one, and ${EVENTS} at once to one target, which answers, or refuses a third of the messages`,
  runs: 'alerts',
  sizes: () => [1],
  run: (trial) =>
    withTarget(trial, async (target) => {
      const steady = await measureSteady(trial, target);
      const answering = await measure(trial, target, 'alerts', 'a target that answers');
      refuseAThird(target);
      const refusing = await measure(trial, target, 'refused', 'a third of the answers 500');
      return [steady, answering, refusing];
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
  const sentAt = new Map<string, number>();
  const names = Array.from({ length: EVENTS }, (_, index) => `${id}-${index}`);
  const { result, spent } = await spentOn(
    trial,
    async () => {
      const startedAt = now();
      const waiting = names.values();
      const sender = async () => {
        for (const name of waiting) {
          sentAt.set(name, now());
          await publish(trial, eventOf(trial, name));
        }
      };
      await Promise.all(Array.from({ length: SENDERS }, sender));
      await silence(target, SILENCE_MS, EVENTS);
      return startedAt;
    },
    { quietMs: 0 },
  );
  const arrivedAt = arrivals(target);
  const times = timesOf(sentAt, arrivedAt);
  return {
    id,
    name: `${EVENTS} events, ${what}: ${arrivedAt.size} arrived`,
    apps: 1,
    count: EVENTS,
    unit: 'event',
    times: { 'the last message': [Math.max(...arrivedAt.values()) - result], 'a message': times },
    spent,
  };
}

/** How soon a message comes when nothing else is to be sent. */
async function measureSteady(trial: Trial, target: Receiver): Promise<Measurement> {
  trial.progress(`${STEADY} events, one after another`);
  target.clear();
  const sentAt = new Map<string, number>();
  const { spent } = await spentOn(
    trial,
    async () => {
      for (let index = 0; index < STEADY; index++) {
        sentAt.set(`steady-${index}`, now());
        await publish(trial, eventOf(trial, `steady-${index}`));
        await delay(STEADY_MS);
      }
      await silence(target, SILENCE_MS, STEADY);
    },
    { quietMs: 0 },
  );
  const arrivedAt = arrivals(target);
  return {
    id: 'steady',
    name: `${STEADY} events, one after another: ${arrivedAt.size} arrived`,
    ...{ apps: 1, count: STEADY, unit: 'event', spent },
    times: { 'a message': timesOf(sentAt, arrivedAt) },
  };
}

function timesOf(sentAt: Map<string, number>, arrivedAt: Map<string, number>): number[] {
  return [...arrivedAt].map(([name, at]) => at - (sentAt.get(name) ?? at));
}
