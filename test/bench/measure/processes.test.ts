import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { watchMemory } from './memory.ts';
import { cpuBetween, processUse } from './processes.ts';

it('counts the work of a process and of its children, running and ended', async () => {
  const burn = 'while (process.cpuUsage().user < 300_000);';
  const script = `const { spawnSync, spawn } = require('node:child_process');
    spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
    spawn(process.execPath, ['-e', ${JSON.stringify(`${burn} console.log('done'); setInterval(() => {}, 1000);`)}], { stdio: 'inherit' });`;
  const child = spawn(process.execPath, ['-e', script], { detached: true });
  const { pid = 0 } = child;
  try {
    const memory = watchMemory({ system: () => ({ burner: pid }), others: () => ({}) });
    const before = await processUse({ burner: pid });
    await once(child.stdout, 'data');
    const after = await processUse({ burner: pid, nobody: 2 ** 30 });
    assert.deepEqual(Object.keys(after), ['burner']);
    const { burner = 0 } = cpuBetween(before, after);
    assert.ok(burner >= 0.5, `${burner} s`);
    const restarted = { burner: { ...after.burner, pid: pid + 1 } } as typeof after;
    assert.deepEqual(cpuBetween(restarted, after), { burner: after.burner?.cpuSeconds });
    const peaks = await memory.peaks();
    await memory.close();
    const { peakBytes = 0, childrenBytes = 0 } = peaks.processes.burner ?? {};
    assert.ok(childrenBytes > 30e6, `${childrenBytes} bytes of the child`);
    assert.ok(peakBytes > childrenBytes + 30e6, `${peakBytes} bytes of both`);
    // Two processes run the same program, whose pages count once.
    const { systemBytes } = peaks;
    assert.ok(systemBytes > 30e6, `${systemBytes} bytes together`);
    assert.ok(systemBytes < peakBytes - 15e6, `${systemBytes} bytes together, of ${peakBytes}`);
  } finally {
    process.kill(-pid, 'SIGKILL');
  }
});
