import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventOf } from '../testing/fixtures.ts';
import { failureClass, isRecovery, withoutNames } from './class.ts';

const failure = (name: string, message: string, more = {}) =>
  eventOf({ name }, { severity: 'error', reason: 'BuildFailed', message, ...more });

describe('the class of a failure', () => {
  it('is the same for messages that differ in names, numbers, addresses and revisions', () => {
    const pairs = [
      ["GitRepository 'flux-system/a' not found", "GitRepository 'flux-system/other' not found"],
      [
        'Get "https://10.0.0.1:443/api/v1/namespaces/a": dial tcp 10.0.0.1:443: connection refused',
        'Get "https://10.0.0.1:443/api/v1/namespaces/bb": dial tcp 10.0.0.2:443: connection refused',
      ],
      ['source artifact main@sha1:c0ffee is gone', 'source artifact v2@sha1:0ddba11 is gone'],
      ['apps: timeout after 30s', 'web: timeout after 1m30s'],
    ];
    for (const [index, [a = '', b = '']] of pairs.entries()) {
      const [one, two] = index === 3 ? ['apps', 'web'] : ['a', 'bb'];
      assert.equal(failureClass(failure(one, a)), failureClass(failure(two, b)), a);
    }
  });

  it('is another one for another reason, kind, controller or wrong thing', () => {
    const classes = [
      failure('a', 'no such file'),
      failure('a', 'permission denied'),
      failure('a', 'no such file', { reason: 'PruneFailed' }),
      failure('a', 'no such file', { reportingController: 'helm-controller' }),
      eventOf({ name: 'a', kind: 'HelmRelease' }, failure('a', 'no such file')),
      {
        ...failure('a', 'no such file'),
        involvedObject: eventOf({ kind: 'Bucket' }).involvedObject,
      },
    ].map(failureClass);
    assert.equal(new Set(classes).size, classes.length - 1, 'the fifth is the first one again');
    for (const each of classes) assert.match(each, /^[A-Za-z0-9_-]{22}$/);
  });

  it('takes linear time for whatever a message is', () => {
    for (const part of ['"', "'a", '`', 'a.', '-', ' ', 'a/'.repeat(9), '"\n']) {
      const begun = performance.now();
      withoutNames(failure('a', part.repeat(20_000)));
      assert.ok(performance.now() - begun < 200, JSON.stringify(part));
    }
  });

  it('ends with an event that says that the object is well', () => {
    const reasons = ['ReconciliationSucceeded', 'UpgradeSucceeded', 'NewArtifact', 'Succeeded'];
    for (const reason of reasons) assert.ok(isRecovery(eventOf({}, { reason })), reason);
    const others = ['Progressing', 'RollbackSucceeded', 'UninstallSucceeded', 'DependencyNotReady'];
    for (const reason of others) assert.ok(!isRecovery(eventOf({}, { reason })), reason);
    assert.ok(!isRecovery(eventOf({}, { reason: 'Succeeded', severity: 'error' })));
  });
});
