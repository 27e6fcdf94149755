import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Alert, AlertSpec } from '@weir/api';
import type { Change } from '@weir/controller';
import { alertOf, eventOf } from '../testing/fixtures.ts';
import { watchedObjects } from './watched.ts';

/** The part of an informer that is used, with the objects that the test gives it. */
function informerOf(...alerts: Alert[]) {
  const callbacks = new Set<(change: Change<Alert>) => void>();
  return {
    list: () => alerts,
    onChange(callback: (change: Change<Alert>) => void) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    emit: (change: Change<Alert>) => {
      for (const callback of callbacks) callback(change);
    },
  };
}

const sourceOf = (source: Partial<AlertSpec['eventSources'][number]>) => ({
  eventSources: [{ kind: 'Kustomization' as const, name: '*', ...source }],
});
const { involvedObject } = eventOf();

it('finds alerts by name, wildcard and namespace, each once', () => {
  const twice = alertOf({
    eventSources: [
      { kind: 'Kustomization', name: '*' },
      { kind: 'Kustomization', name: 'apps' },
    ],
  });
  const watched = watchedObjects(informerOf(twice));
  assert.deepEqual(watched.alertsOn(involvedObject), [twice]);
  assert.deepEqual(watched.alertsOn({ ...involvedObject, namespace: 'other' }), []);
  assert.deepEqual(watched.alertsOn({ ...involvedObject, kind: 'GitRepository' }), []);
  watched.close();
});

it('follows alerts as they come, change and go', () => {
  const alerts = informerOf();
  const watched = watchedObjects(alerts);
  const first = alertOf(sourceOf({ name: 'apps' }));
  alerts.emit({ type: 'added', object: first });
  assert.deepEqual(watched.alertsOn(involvedObject), [first]);
  const elsewhere = alertOf(sourceOf({ namespace: 'team-a' }));
  alerts.emit({ type: 'modified', object: elsewhere, previous: first });
  assert.deepEqual(watched.alertsOn(involvedObject), []);
  const there = { ...involvedObject, namespace: 'team-a' };
  assert.deepEqual(watched.alertsOn(there), [elsewhere]);
  alerts.emit({ type: 'deleted', object: elsewhere, previous: elsewhere });
  assert.deepEqual(watched.alertsOn(there), []);
  watched.close();
});
