import assert from 'node:assert/strict';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createSettings, SettingsError } from './settings.ts';
import { openStorage } from './storage.ts';

const who = { service: 'kustomize', instance: 'one' };

describe('the folder of a service', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-storage-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is in the one that was asked for, and stays', async () => {
    const storage = await openStorage(createSettings({ 'storage-dir': folder }), who);
    assert.equal(storage.dir, join(folder, 'kustomize'));
    assert.deepEqual(await readdir(storage.dir), []);
    await storage.close();
    await access(storage.dir);
  });

  it('goes with its instance where none was asked for', async () => {
    const instance = `storage-test-${process.pid}`;
    const storage = await openStorage(createSettings({}), { ...who, instance });
    await writeFile(join(storage.dir, 'artifact'), 'x');
    await storage.close();
    await assert.rejects(access(storage.dir), { code: 'ENOENT' });
  });

  it('is refused by name where nothing can be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(
      openStorage(createSettings({ 'storage-dir': join(file, 'below') }), who),
      (error) =>
        error instanceof SettingsError &&
        /--storage-dir: kustomize can't write/.test(error.message),
    );
  });
});
