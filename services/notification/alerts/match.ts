import type { Alert, AlertSpec } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import type { ReadLabels } from './labels.ts';
import type { MatchList } from './patterns.ts';

type EventSource = AlertSpec['eventSources'][number];

/** Whether an alert wants an event, and why not. `invalid` lists patterns that can't be used, each with the reason. */
export interface Match {
  matches: boolean;
  invalid: string[];
  /** The object whose labels decide could not be found. */
  missing?: true;
}

/** What the full check of an event needs besides the event. */
export interface MatchContext {
  readLabels: ReadLabels;
  matchList: MatchList;
}

/** An event with its id, which is not part of the event. */
export interface Occurrence {
  id: string;
  event: FluxEvent;
}

/**
 * The first check for an event of an object that the alert names: it needs no request. Labels and patterns are left to
 * `matchAlert`, which runs in the slots of the alert's own namespace.
 */
export function passesSeverity({ spec }: Alert, { severity }: FluxEvent): boolean {
  const least = spec.eventSeverity ?? 'info';
  return !spec.suspend && (least === 'info' || least === severity);
}

/**
 * Decides whether `alert` wants an event: by source, severity, labels, and then by the inclusion and exclusion lists,
 * where exclusion is the stronger one. The patterns are Go's (RE2), searched for anywhere in the message; one that can't
 * be used matches nothing and is reported. Rejects when labels can't be read, and with PatternsTooSlow.
 * Source: Flux's Alert spec.
 */
export async function matchAlert(
  alert: Alert,
  occurrence: Occurrence,
  { readLabels, matchList }: MatchContext,
): Promise<Match> {
  const { spec, metadata } = alert;
  const { event } = occurrence;
  if (!passesSeverity(alert, event)) return { matches: false, invalid: [] };
  const source = await hasSource(alert, occurrence, readLabels);
  if (source === 'missing') return { matches: false, invalid: [], missing: true };
  if (!source) return { matches: false, invalid: [] };
  const search = async (list: readonly string[] | undefined) =>
    list?.length
      ? matchList(list, event.message, metadata.namespace ?? '')
      : { found: false, invalid: [] };
  const [inclusion, exclusion] = await Promise.all([
    search(spec.inclusionList),
    search(spec.exclusionList),
  ]);
  const included = inclusion.found || !spec.inclusionList?.length;
  return {
    matches: included && !exclusion.found,
    invalid: [...inclusion.invalid, ...exclusion.invalid],
  };
}

async function hasSource(
  alert: Alert,
  { id, event }: Occurrence,
  readLabels: ReadLabels,
): Promise<boolean | 'missing'> {
  const sources = sourcesFor(alert, event);
  if (sources.some(({ matchLabels }) => matchLabels === undefined)) return true;
  if (sources.length === 0) return false;
  const labels = await readLabels(id, event.involvedObject);
  if (labels === undefined) return 'missing';
  return sources.some(({ matchLabels = {} }) =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
  );
}

function sourcesFor({ spec, metadata }: Alert, { involvedObject }: FluxEvent): EventSource[] {
  const { kind, name, namespace } = involvedObject;
  return spec.eventSources.filter(
    (source) =>
      source.kind === kind &&
      (source.namespace ?? metadata.namespace) === namespace &&
      (source.name === '*' || source.name === name),
  );
}
