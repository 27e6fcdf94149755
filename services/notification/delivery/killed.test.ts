// Many events while NATS and the process that delivers are killed and the target fails a third of the time: 150 here, as many
// as WEIR_FLOOD says by command.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { startNats, testBus } from '@weir/bus/testing';
import { startReceiver, until } from '@weir/cluster';
import { publishEvent } from '../testing/routing.ts';

const EVENTS = Number(process.env.WEIR_FLOOD ?? 150);
// The process, NATS, and both at a time; more often where there is more to lose.
const KILLS = EVENTS > 1_000 ? 12 : 3;
const WAIT = { timeoutMs: Math.max(60_000, 100 * EVENTS), intervalMs: 10 };

it('loses none of them, whichever of the two is killed at whatever time', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const arrived = new Map<string, number>();
  const target = await startReceiver();
  t.after(() => target.close());
  let requests = 0;
  target.reply(({ body }) => {
    requests += 1;
    if (requests % 3 === 0) return { status: 500 };
    const { message } = JSON.parse(body) as { message: string };
    arrived.set(message, (arrived.get(message) ?? 0) + 1);
    return {};
  });

  const program = new URL('../testing/delivering-process.ts', import.meta.url);
  const start = () => fork(program, [nats.url, `${target.url}/hook`]);
  let child: ChildProcess = start();
  t.after(() => child.kill('SIGKILL'));
  async function killProcess(): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    child = start();
  }

  const share = EVENTS / (KILLS + 1);
  for (let round = 0; round <= KILLS; round++) {
    const [from, to] = [Math.floor(round * share), Math.floor((round + 1) * share)];
    for (let i = from; i < to; i++) publishEvent(bus, 'a', `app${i}`, String(i));
    if (round === KILLS) break;
    // Somewhere in the middle of them.
    const when = arrived.size + Math.ceil(Math.random() * share * 0.6);
    await until(() => arrived.size >= Math.min(when, to), {
      ...WAIT,
      message: `${when} messages before kill ${round}`,
    });
    const kills = [killProcess, () => nats.restart({ signal: 'SIGKILL' })];
    const chosen = round % 3 === 2 ? kills : [kills[round % 3] as (typeof kills)[number]];
    await Promise.all(chosen.map((kill) => kill()));
  }
  await until(() => arrived.size === EVENTS, { ...WAIT, message: 'all messages' });
  const numbers = [...arrived.keys()].map(Number).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    Array.from({ length: EVENTS }, (_, i) => i),
  );
  const twice = [...arrived.values()].reduce((sum, count) => sum + count - 1, 0);
  t.diagnostic(`${EVENTS} events, ${requests} requests, ${twice} duplicates`);
});
