import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettings } from '@weir/service';
import { readApplySettings } from './apply-settings.ts';

test("flags start as Flux's do, but for how many run at once", () => {
  const settings = readApplySettings(createSettings({}), { concurrent: 7 });
  assert.equal(settings.concurrent, 7);
  assert.equal(settings.requeueDependencyMs, 30_000);
  assert.equal(settings.noCrossNamespaceRefs, false);
  assert.equal(settings.defaultServiceAccount, '');
  assert.equal(settings.jitter, 0.05);
  assert.equal(settings.watchedConfigs, 'reconcile.fluxcd.io/watch=Enabled');
  assert.equal(settings.renderers, undefined);
});

test('each flag is read under its name, in its unit', () => {
  const flags = {
    concurrent: '3',
    'requeue-dependency': '5s',
    'default-service-account': 'robot',
    'override-manager': 'one,two',
    'interval-jitter-percentage': '10',
    'cache-size-mib': '2',
    renderers: '4',
    'artifact-port': '81',
    'build-timeout': '1m',
  };
  const settings = readApplySettings(createSettings(flags), { concurrent: 7 });
  assert.equal(settings.concurrent, 3);
  assert.equal(settings.requeueDependencyMs, 5_000);
  assert.equal(settings.defaultServiceAccount, 'robot');
  assert.deepEqual(settings.overrideManagers, ['one', 'two']);
  assert.equal(settings.jitter, 0.1);
  assert.equal(settings.cacheBytes, 2 * 1024 ** 2);
  assert.equal(settings.renderers, 4);
  assert.match(settings.artifactUrl, /localhost:81/);
  assert.equal(settings.buildTimeoutMs, 60_000);
  const wrong = createSettings({ 'interval-jitter-percentage': '101' });
  assert.throws(() => readApplySettings(wrong, { concurrent: 7 }), { name: 'SettingsError' });
});
