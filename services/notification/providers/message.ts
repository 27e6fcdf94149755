// Parts of messages that several types have in common.
import type { FluxEvent } from '@weir/events';
import { parseApiVersion } from '@weir/kube';
import { DeliveryError } from '../delivery/errors.ts';

/** An event that is for commit statuses: it says that a commit was looked at, not that anything happened. */
export function isCommitStatusUpdate({ involvedObject, metadata }: FluxEvent): boolean {
  const { group } = parseApiVersion(involvedObject.apiVersion);
  return metadata?.[`${group}/commit_status`] === 'update';
}

/** An event with the title that the alert's template gives it. */
export type TitledEvent = FluxEvent & { title?: string };

/** `kustomization/apps.flux-system`: how messages name the object that they are about, unless a template names it. */
export function objectTitle({ involvedObject, title }: TitledEvent): string {
  if (title !== undefined) return title;
  const { kind, name, namespace } = involvedObject;
  return `${kind.toLowerCase()}/${name}.${namespace}`;
}

/** `Kustomization/flux-system/apps`. */
export function objectPath({ involvedObject }: FluxEvent): string {
  const { kind, name, namespace } = involvedObject;
  return `${kind}/${namespace}/${name}`;
}

/** The metadata in a fixed order, so that the same event always reads the same. */
export function metadataEntries(event: FluxEvent): [string, string][] {
  return Object.entries(event.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function isError({ severity }: FluxEvent): boolean {
  return severity === 'error';
}

/** Whether the event says that work is under way: incident services have no use for it. */
export function isProgressing({ reason }: FluxEvent): boolean {
  return reason === 'Progressing';
}

/** `ReconciliationSucceeded` in words: `reconciliation succeeded`. */
export function reasonInWords({ reason }: FluxEvent): string {
  return (reason.match(/[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+/g) ?? [reason]).join(' ').toLowerCase();
}

/** Metadata of an event whose object belongs to a pull request: its number. */
export const CHANGE_REQUEST = 'change_request';

/** A text in Markdown about an event, as comments and Zulip show it. */
export function statusMarkdown(event: FluxEvent): string {
  const sign = isError(event) ? '⚠️' : 'ℹ️';
  const metadata = metadataEntries(event)
    .filter(([key]) => key !== CHANGE_REQUEST)
    .map(([key, value]) => `* \`${key}\`: ${value}\n`);
  return `## Flux Status\n\n${sign} ${objectPath(event)}\n\n${event.message}\n\nMetadata:\n${metadata.join('')}`;
}

/** The event's time in seconds since 1970. */
export function eventSeconds({ timestamp }: FluxEvent): number {
  return Math.floor(Date.parse(timestamp) / 1_000);
}

/** Cuts a text to what a service takes, in characters. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  // A character beyond the basic plane is two units: a lone half is no text.
  return `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** What the Provider lacks or has wrong. It is no use to try again before someone changes it. */
export function invalidProvider(message: string): DeliveryError {
  return new DeliveryError('InvalidProvider', message);
}

/** The token of the Provider's Secret. Throws where the type can't do without it. */
export function requiredToken({ token }: { token?: string }, what = 'token'): string {
  if (token) return token;
  throw invalidProvider(`the secret has no '${what}'`);
}

/** The event as Flux's receivers know it (`event.toolkit.fluxcd.io/v1beta1`): what is empty is left out. */
export function wireEvent(event: TitledEvent): object {
  const { involvedObject, reportingInstance, metadata, title: _, ...rest } = event;
  const object = Object.entries(involvedObject).filter(([, value]) => value !== '');
  return {
    involvedObject: Object.fromEntries(object),
    ...rest,
    ...(metadata && Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(reportingInstance ? { reportingInstance } : {}),
  };
}

export function eventJson(event: FluxEvent): string {
  return JSON.stringify(wireEvent(event));
}
