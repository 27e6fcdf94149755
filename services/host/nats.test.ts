import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettings } from '@weir/service';
import { natsServers } from './nats.ts';

const read = (url: string) => natsServers(createSettings({ 'nats-url': url }, {}), {});

test('addresses of NATS servers are taken as they are', () => {
  const servers =
    'nats://a.example.com:4222, tls://me:pass@b:4222,c:4222,d,nats://[::1]:4222,nats://e:4222/';
  assert.equal(read(servers), servers);
  assert.equal(natsServers(createSettings({}, {}), { NATS_URL: 'nats://a' }), 'nats://a');
  assert.equal(natsServers(createSettings({}, {}), {}), undefined);
});

test('what can be no address is refused, without its password', () => {
  const refuses = (url: string, shown: string) =>
    assert.throws(() => read(url), {
      name: 'SettingsError',
      message: `--nats-url or NATS_URL: '${shown}' is no address such as nats://nats.example.com:4222`,
    });
  refuses('foo:bar', 'foo:bar');
  refuses('nats://a:4222,,nats://b', '');
  refuses('nats://me:secret@host:port', 'host:port');
  refuses('nats://a b', 'a b');
  refuses('nats://a:99999', 'a:99999');
});
