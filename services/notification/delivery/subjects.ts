import { objectTokens, type SubjectRef, subjectToken, tokenText } from '@weir/bus';

/** What a delivery is about: an alert, and the object of its event. Deliveries with the same two keep their order. */
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

/** Matches the deliveries of a cluster: those to the alerts of one namespace, or all. */
export function deliveryFilter(cluster: string, namespace?: string): string {
  return filterOf('weir.delivery', cluster, namespace);
}

/** Matches the dead letters of a cluster: those of the alerts of one namespace, or all. */
export function deadLetterFilter(cluster: string, namespace?: string): string {
  return filterOf('weir.dead-letter', cluster, namespace);
}

/** The namespace of the alert that the subject of a delivery is about. */
export function namespaceOf(subject: string): string {
  const [, , , namespace = ''] = subject.split('.');
  return tokenText(namespace);
}

function tokensOf(cluster: string, { alert, object }: DeliveryRef): string {
  const tokens = [cluster, alert.namespace, alert.name].map(subjectToken);
  return [...tokens, ...objectTokens(object)].join('.');
}

function filterOf(prefix: string, cluster: string, namespace: string | undefined): string {
  const filter = `${prefix}.${subjectToken(cluster)}`;
  return namespace === undefined ? `${filter}.>` : `${filter}.${subjectToken(namespace)}.>`;
}
