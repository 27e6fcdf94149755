import type { Alert } from '@weir/api';
import type { Informer } from '@weir/controller';
import type { InvolvedObject } from '@weir/events';
import { objectKey } from '@weir/kube';

/** The alerts that name an object among their sources; labels, severity and patterns are checked elsewhere. */
export interface WatchedObjects {
  alertsOn(object: InvolvedObject): Alert[];
  close(): void;
}

/**
 * Keeps an index of the alerts by the objects that they name, so that an event costs two look-ups however many alerts
 * there are and however many sources they list.
 */
export function watchedObjects(alerts: Pick<Informer<Alert>, 'list' | 'onChange'>): WatchedObjects {
  const bySource = new Map<string, Map<string, Alert>>();

  function add(alert: Alert): void {
    for (const source of sourcesOf(alert)) {
      const watching = bySource.get(source) ?? new Map<string, Alert>();
      bySource.set(source, watching.set(objectKey(alert), alert));
    }
  }

  function remove(alert: Alert): void {
    for (const source of sourcesOf(alert)) {
      const watching = bySource.get(source);
      watching?.delete(objectKey(alert));
      if (watching?.size === 0) bySource.delete(source);
    }
  }

  for (const alert of alerts.list()) add(alert);
  const close = alerts.onChange(({ type, object, previous }) => {
    if (previous !== undefined) remove(previous);
    if (type === 'deleted') remove(object);
    else add(object);
  });
  return {
    alertsOn({ kind, namespace, name }) {
      const exactly = bySource.get(sourceKey(kind, namespace, name));
      const any = bySource.get(sourceKey(kind, namespace, '*'));
      return [...new Map([...(exactly ?? []), ...(any ?? [])]).values()];
    },
    close,
  };
}

function sourcesOf({ spec, metadata }: Alert): Set<string> {
  return new Set(
    spec.eventSources.map(({ kind, namespace, name }) =>
      sourceKey(kind, namespace ?? metadata.namespace ?? '', name),
    ),
  );
}

function sourceKey(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
