// Dependencies of other kinds, which are read with the rights of the account that the dependent acts as.
import type { DependencyReference } from '@weir/api';
import type { StatusFunction } from '@weir/apply';
import {
  isForbidden,
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
  parseApiVersion,
} from '@weir/kube';
import type { Evaluation } from '@weir/render';
import { messageOf } from '../failure.ts';
import type { ForeignReference } from './references.ts';
import type { WatchTarget } from './watches.ts';

export interface ForeignRules {
  /** A client that acts as the account of the dependent. */
  client: KubeClient;
  /** kstatus, with the dependent's own expressions. */
  status: StatusFunction;
  isReady(expression: string, dependency: KubeObject): Promise<Evaluation>;
  /** A dependency with a `readyExpr` has to be ready by the usual rules too. */
  additive: boolean;
}

/** The result of reading a dependency: why it isn't ready, and what to watch for a change of that. */
export interface ForeignState {
  message?: string;
  target?: WatchTarget;
  /** The group of a kind that is not served. */
  missingGroup?: string;
}

/** Rejects only when the API server can't be reached. */
export async function readForeign(
  foreign: ForeignReference,
  { ready = true, readyExpr = '' }: Pick<DependencyReference, 'ready' | 'readyExpr'>,
  { client, status, isReady, additive }: ForeignRules,
): Promise<ForeignState> {
  const { apiVersion, kind } = foreign;
  if (apiVersion === undefined) {
    return { message: `dependency of kind '${kind}': apiVersion has to be set for this kind` };
  }
  const { object, ...state } = await read(client, { ...foreign, apiVersion });
  if (object === undefined) return state;
  const { target } = state;
  const label = labelOf(foreign, target?.namespace);
  const waiting = (message: string): ForeignState => ({ ...state, message });
  if (readyExpr !== '') {
    const { value, error } = await isReady(readyExpr, object);
    if (error !== undefined) return waiting(error);
    if (!value) return waiting(`dependency '${label}' is not ready according to readyExpr eval`);
    if (!additive) return {};
  }
  if (!ready) return {};
  const [found] = await status([object]);
  if (found?.status === 'Current') return {};
  const why =
    found === undefined ? '' : `: ${found.status}${found.message && `, ${found.message}`}`;
  return waiting(`dependency '${label}' is not ready${why}`);
}

async function read(
  client: KubeClient,
  foreign: ForeignReference & { apiVersion: string },
): Promise<ForeignState & { object?: KubeObject }> {
  const { apiVersion, kind, name } = foreign;
  let target: WatchTarget | undefined;
  try {
    const type = await client.discovery.resourceForKind(apiVersion, kind);
    const namespace = type.namespaced ? foreign.namespace : undefined;
    target = { type, name, namespace };
    const ref = namespace === undefined ? { name } : { namespace, name };
    const object = await client.get(type, ref);
    const { resourceVersion } = object.metadata;
    return { object, target: { ...target, resourceVersion } };
  } catch (error) {
    const label = labelOf(foreign, target === undefined ? foreign.namespace : target.namespace);
    const message = `dependency '${label}' not found: ${messageOf(error)}`;
    if (isNoMatch(error)) return { message, missingGroup: parseApiVersion(apiVersion).group };
    const seen = target === undefined ? {} : { target };
    if (isNotFound(error)) return { message, ...seen };
    if (!isForbidden(error)) throw error;
    return { message: `unable to get dependency '${label}': ${messageOf(error)}`, ...seen };
  }
}

/** `Deployment/apps/web`; cluster-scoped kinds have no namespace. */
function labelOf({ kind, name }: ForeignReference, namespace: string | undefined): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}
