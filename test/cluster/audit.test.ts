import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { auditReader } from './audit.ts';

function line(verb: string): string {
  const user = { username: 'admin', groups: ['system:masters'] };
  const event = { verb, stage: 'ResponseComplete', requestURI: '/é', user, annotations: {} };
  return `${JSON.stringify({ ...event, requestReceivedTimestamp: '' })}\n`;
}

it('continues where it stopped, and leaves an incomplete line for later', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-audit-'));
  try {
    const path = join(dir, 'audit.log');
    const bytes = Buffer.from(line('get') + line('list') + line('watch'));
    // The file is cut in the middle of a character of the third line.
    const cut = bytes.lastIndexOf(0xa9);
    await appendFile(path, bytes.subarray(0, cut));
    const read = auditReader(path);
    const verbs = async () => (await read()).map(({ verb }) => verb);
    assert.deepEqual(await Promise.all([verbs(), verbs()]), [
      ['get', 'list'],
      ['get', 'list'],
    ]);
    await appendFile(path, bytes.subarray(cut));
    assert.deepEqual(await verbs(), ['get', 'list', 'watch']);
    const [first] = await read();
    assert.deepEqual(first, {
      verb: 'get',
      stage: 'ResponseComplete',
      requestURI: '/é',
      user: { username: 'admin' },
      requestReceivedTimestamp: '',
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});
