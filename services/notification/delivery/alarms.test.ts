import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createAlarms } from './alarms.ts';

it('rings for each thing once, not too early and a twentieth of a second late at most', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rung: [string, number][] = [];
  const { set } = createAlarms<string>((item, alarm) => rung.push([item, alarm]));
  const alarms = [set('soon', 60), set('later', 600), set('soon too', 60)];
  assert.ok(alarms.every((alarm) => alarm > 0));
  t.mock.timers.tick(59);
  assert.equal(rung.length, 0);
  t.mock.timers.tick(52);
  assert.deepEqual(rung.map(([item]) => item).sort(), ['soon', 'soon too']);
  assert.deepEqual(
    rung.map(([, alarm]) => alarm),
    [alarms[0], alarms[2]],
  );
  t.mock.timers.tick(540);
  assert.deepEqual(rung.at(-1), ['later', alarms[1]]);
  assert.equal(rung.length, 3);
});

it('rings no more when it is closed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rung: string[] = [];
  const { set, close } = createAlarms<string>((item) => rung.push(item));
  set('a', 10);
  close();
  t.mock.timers.tick(1_000);
  assert.deepEqual(rung, []);
});
