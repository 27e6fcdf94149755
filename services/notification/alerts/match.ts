import type { Alert, AlertSpec } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { RE2JS, RE2JSSyntaxException } from 're2js';

type EventSource = AlertSpec['eventSources'][number];

/** Reads the labels of the object that an event is about; undefined when the object is gone. */
export type ReadLabels = (
  object: FluxEvent['involvedObject'],
) => Promise<Record<string, string> | undefined>;

/** Why an alert takes an event or leaves it. `invalid` lists expressions that don't compile. */
export interface Match {
  matches: boolean;
  invalid: string[];
}

/**
 * Decides whether `alert` wants `event`: by source, severity, and then by the inclusion and
 * exclusion lists, where exclusion is the stronger one. The expressions are Go's (RE2), searched
 * for anywhere in the message; one that doesn't compile matches nothing and is reported.
 * Source: Flux's Alert spec, v1beta3.
 */
export async function matchAlert(
  alert: Alert,
  event: FluxEvent,
  readLabels: ReadLabels,
): Promise<Match> {
  if (alert.spec.suspend || !(await wantedSource(alert, event, readLabels))) {
    return { matches: false, invalid: [] };
  }
  const inclusion = findAny(alert.spec.inclusionList, event.message);
  const exclusion = findAny(alert.spec.exclusionList, event.message);
  const included = inclusion.found || !alert.spec.inclusionList?.length;
  return {
    matches: included && !exclusion.found,
    invalid: [...inclusion.invalid, ...exclusion.invalid],
  };
}

async function wantedSource(alert: Alert, event: FluxEvent, readLabels: ReadLabels) {
  for (const source of alert.spec.eventSources) {
    if (!wantsObject(alert, source, event)) continue;
    if (!source.matchLabels) return true;
    const labels = await readLabels(event.involvedObject);
    if (labels && hasLabels(labels, source.matchLabels)) return true;
  }
  return false;
}

function wantsObject(alert: Alert, source: EventSource, event: FluxEvent): boolean {
  const { kind, name, namespace } = event.involvedObject;
  const severity = alert.spec.eventSeverity ?? 'info';
  return (
    source.kind === kind &&
    (source.namespace ?? alert.metadata.namespace) === namespace &&
    (source.name === '*' || source.name === name) &&
    (severity === 'info' || severity === event.severity)
  );
}

function hasLabels(labels: Record<string, string>, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function findAny(expressions: readonly string[] | undefined, message: string) {
  const invalid: string[] = [];
  let found = false;
  for (const expression of expressions ?? []) {
    const compiled = compile(expression);
    if (!compiled) invalid.push(expression);
    else found ||= compiled.matcher(message).find();
  }
  return { found, invalid };
}

function compile(expression: string): RE2JS | undefined {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return undefined;
    throw error;
  }
}
