import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcementOf, isConfirmed } from './announcements.ts';

const artifact = {
  digest: 'sha256:00',
  lastUpdateTime: '2024-01-01T00:00:00Z',
  path: 'p',
  revision: 'main@sha1:1',
  url: 'http://x/p',
};
const message = {
  kind: 'GitRepository',
  namespace: 'n',
  name: 'git',
  uid: 'u',
  resourceVersion: '7',
  artifact,
};
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('an announcement keeps the trace of its message', () => {
  assert.equal(announcementOf({ message, traceparent }).traceparent, traceparent);
  assert.equal(announcementOf({ message }).key, 'n/git');
});

test('the API server confirms the same artifact of the same object', () => {
  const announcement = announcementOf({ message });
  const object = (uid: string, revision: string) => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'git', namespace: 'n', uid },
    status: { artifact: { ...artifact, revision } },
  });
  assert.equal(isConfirmed(announcement, object('u', 'main@sha1:1')), true);
  assert.equal(isConfirmed(announcement, object('other', 'main@sha1:1')), false);
  assert.equal(isConfirmed(announcement, object('u', 'main@sha1:2')), false);
  assert.equal(isConfirmed(announcement, { ...object('u', ''), status: {} }), false);
  assert.equal(isConfirmed(undefined, object('u', 'main@sha1:1')), false);
});
