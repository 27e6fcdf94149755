import { objectTokens, type SubjectRef, subjectToken, tokenText } from '@weir/bus';

/** The alert and the object of a delivery. Deliveries with the same two keep their order. */
export interface DeliveryRef {
  alert: { namespace: string; name: string };
  object: SubjectRef;
}

/** `weir.delivery.<cluster>.<namespace of the alert>.<alert>.<kind.group>.<namespace>.<name>`, each one token. */
export function deliverySubject(cluster: string, ref: DeliveryRef): string {
  return `weir.delivery.${tokensOf(cluster, ref)}`;
}

/** The subject of a dead letter; the tokens are those of its delivery. */
export function deadLetterSubject(cluster: string, ref: DeliveryRef): string {
  return `weir.dead-letter.${tokensOf(cluster, ref)}`;
}

/** Matches the deliveries of a cluster: those to one alert of a namespace, to all of its alerts, or all. */
export function deliveryFilter(cluster: string, namespace?: string, alert?: string): string {
  return filterOf('weir.delivery', [cluster, namespace, alert]);
}

/** Matches the dead letters of a cluster: those of one alert of a namespace, of all of its alerts, or all. */
export function deadLetterFilter(cluster: string, namespace?: string, alert?: string): string {
  return filterOf('weir.dead-letter', [cluster, namespace, alert]);
}

/** The namespace of the alert that the subject of a delivery is about. */
export function namespaceOf(subject: string): string {
  const [, , , namespace = ''] = subject.split('.');
  return tokenText(namespace);
}

/** `<namespace>/<name>` of the alert that a subject is about, of whichever stream of alerts. */
export function alertOf(subject: string): string {
  const [, , , namespace = '', name = ''] = subject.split('.');
  return `${tokenText(namespace)}/${tokenText(name)}`;
}

function tokensOf(cluster: string, { alert, object }: DeliveryRef): string {
  const tokens = [cluster, alert.namespace, alert.name].map(subjectToken);
  return [...tokens, ...objectTokens(object)].join('.');
}

function filterOf(prefix: string, names: readonly (string | undefined)[]): string {
  const tokens = names.flatMap((name) => name ?? []).map(subjectToken);
  return `${prefix}.${tokens.join('.')}.>`;
}
