import type { KubeObject } from '@weir/kube';

/** The dropped events of one namespace, to be reported in one event. */
export interface Dropped {
  /** The object whose event was dropped first. */
  object: KubeObject;
  count: number;
}

export interface DroppedEvents {
  add(object: KubeObject): void;
  /** Reports events that were dropped and not reported yet. */
  report(): void;
}

/** One report a minute for each namespace. */
const EVERY_MS = 60_000;

/** Collects dropped events, and passes them to `report` a minute after the first, by namespace. */
export function createDroppedEvents(report: (dropped: Dropped) => void): DroppedEvents {
  const byNamespace = new Map<string, Dropped>();
  let timer: NodeJS.Timeout | undefined;

  function reportAll(): void {
    clearTimeout(timer);
    timer = undefined;
    const all = [...byNamespace.values()];
    byNamespace.clear();
    for (const dropped of all) report(dropped);
  }

  return {
    add(object) {
      const { namespace = '' } = object.metadata;
      const dropped = byNamespace.get(namespace) ?? { object, count: 0 };
      dropped.count += 1;
      byNamespace.set(namespace, dropped);
      timer ??= setTimeout(reportAll, EVERY_MS).unref();
    },
    report: reportAll,
  };
}
