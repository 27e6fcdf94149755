import { objectTokens, type SubjectRef, subjectToken, tokenText } from '@weir/bus';

export interface AlertRef {
  namespace: string;
  name: string;
}

/** `weir.group.<cluster>.<namespace>.<alert>`: what is known of the failures of an alert is below it. */
function root(cluster: string, { namespace, name }: AlertRef): string {
  return ['weir.group', ...[cluster, namespace, name].map(subjectToken)].join('.');
}

/** The subject of a group: `<root>.g.<class>`. */
export function groupSubject(cluster: string, alert: AlertRef, failureClass: string): string {
  return `${root(cluster, alert)}.g.${failureClass}`;
}

/** The subject of an object in a group: `<root>.m.<class>.<kind.group>.<namespace>.<name>`; any class unless given. */
export function memberSubject(
  cluster: string,
  alert: AlertRef,
  object: SubjectRef,
  failureClass = '*',
): string {
  return [root(cluster, alert), 'm', failureClass, ...objectTokens(object)].join('.');
}

/** Matches the objects of a group. */
export function membersFilter(cluster: string, alert: AlertRef, failureClass: string): string {
  return `${root(cluster, alert)}.m.${failureClass}.>`;
}

/** Matches the objects in all groups of the alerts of a namespace. */
export function namespaceMembersFilter(cluster: string, namespace: string): string {
  return `weir.group.${subjectToken(cluster)}.${subjectToken(namespace)}.*.m.>`;
}

/** Matches the groups of one alert, or of all. */
export function groupsFilter(cluster: string, alert?: AlertRef): string {
  if (alert !== undefined) return `${root(cluster, alert)}.g.*`;
  return `weir.group.${subjectToken(cluster)}.*.*.g.*`;
}

/** Matches everything that is recorded for an alert. */
export function alertFilter(cluster: string, alert: AlertRef): string {
  return `${root(cluster, alert)}.>`;
}

/** The class in the subject of a group or of an object in it. */
export function classOf(subject: string): string {
  return subject.split('.')[6] ?? '';
}

/** The object that the subject of a member names, with its group in `group`. */
export function objectOf(subject: string): SubjectRef {
  const [kindGroup = '', namespace = '', name = ''] = subject.split('.').slice(7).map(tokenText);
  const dot = kindGroup.indexOf('.');
  const kind = dot < 0 ? kindGroup : kindGroup.slice(0, dot);
  return { kind, group: dot < 0 ? '' : kindGroup.slice(dot + 1), namespace, name };
}
