// The rights of a service account, and which of them it has used, according to the audit log of the API server.
import type { AuditEvent } from '@weir/cluster';
import { find, type Manifest } from './testing.ts';

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

/** One right, written as `gitrepositories.source.toolkit.fluxcd.io/status patch`. */
export type Right = string;

/** Both roles of a service: for the cluster, and for the namespace in which it runs. */
export function rolesOf(manifests: readonly Manifest[], service: string): Manifest[] {
  return ['ClusterRole', 'Role'].map((kind) => find(manifests, kind, `weir-${service}`));
}

/** Every right that the rules of some roles grant, as one text each. `*` is kept as it is. */
export function rightsOf(roles: readonly Manifest[]): Right[] {
  const rules = roles.flatMap((role) => (role.rules ?? []) as Rule[]);
  const rights = rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => right(group, resource, verb))),
    ),
  );
  return [...new Set(rights)].sort();
}

/** The rights that the requests of a user needed, including refused requests. */
export function rightsUsed(events: readonly AuditEvent[], user: string): Set<Right> {
  const used = events.flatMap(({ user: { username }, impersonatedUser, objectRef, verb }) => {
    if (username !== user) return [];
    if (impersonatedUser !== undefined) return [right('', 'serviceaccounts', 'impersonate')];
    if (objectRef?.resource === undefined) return [];
    const { apiGroup = '', resource, subresource } = objectRef;
    return [right(apiGroup, subresource ? `${resource}/${subresource}` : resource, verb)];
  });
  return new Set(used);
}

/** Whether a right was used. A right for every group or resource was used if any request needed it. */
export function isUsed(granted: Right, used: ReadonlySet<Right>): boolean {
  if (!granted.startsWith('*.*')) return used.has(granted);
  const [, verb = ''] = granted.split(' ');
  return [...used].some((one) => verb === '*' || one.endsWith(` ${verb}`));
}

function right(group: string, resource: string, verb: string): Right {
  const [plural = '', subresource] = resource.split('/');
  return `${plural}${group && `.${group}`}${subresource ? `/${subresource}` : ''} ${verb}`;
}
