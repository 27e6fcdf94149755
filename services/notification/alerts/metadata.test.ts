import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alertOf, eventOf } from '../testing/fixtures.ts';
import { eventForAlert } from './metadata.ts';

const metadataOf = (spec: object, metadata: Record<string, string>) =>
  eventForAlert(alertOf(spec), eventOf({}, { metadata })).event.metadata;

describe('eventForAlert', () => {
  it("strips the object's group and the event group off the keys", () => {
    const metadata = {
      'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:c0ffee',
      'event.toolkit.fluxcd.io/playbook': 'https://example.org/p',
      'unknown.example.org/key': 'left out',
    };
    const want = { revision: 'main@sha1:c0ffee', playbook: 'https://example.org/p' };
    assert.deepEqual(metadataOf({}, metadata), want);
  });

  it('lets later sources win and names the keys that conflict', () => {
    const alert = alertOf({ eventMetadata: { summary: 'alert', env: 'prod' }, summary: 'spec' });
    const event = eventOf(
      {},
      {
        metadata: {
          'event.toolkit.fluxcd.io/env': 'annotation',
          'kustomize.toolkit.fluxcd.io/summary': 'controller',
        },
      },
    );
    const completed = eventForAlert(alert, event);
    assert.deepEqual(completed.event.metadata, { env: 'prod', summary: 'controller' });
    assert.deepEqual(completed.conflicts, ['env', 'summary']);
  });

  it('leaves out metadata of which no prefix is known', () => {
    assert.equal(metadataOf({}, { plain: 'value' }), undefined);
  });

  it('never shows the token that controllers deduplicate by', () => {
    const metadata = {
      'kustomize.toolkit.fluxcd.io/token': 'abc',
      'kustomize.toolkit.fluxcd.io/Checksum': 'abc',
      'kustomize.toolkit.fluxcd.io/digest': 'abc',
      'kustomize.toolkit.fluxcd.io/a': '1',
    };
    assert.deepEqual(metadataOf({}, metadata), { a: '1' });
  });

  it('leaves the event that it was given as it is', () => {
    const event = eventOf();
    const before = structuredClone(event);
    eventForAlert(alertOf({ summary: 'x' }), event);
    assert.deepEqual(event, before);
  });
});
