// Requests the reconciliation of a Receiver's objects.
import { RECONCILE_REQUEST, type Receiver, type ReceiverSpec } from '@weir/api';
import { mapBounded } from '@weir/async';
import {
  isNotFound,
  type KubeClient,
  type KubeObject,
  parseApiVersion,
  type ResourceType,
} from '@weir/kube';
import type { Expressions } from './expressions.ts';

type Resource = ReceiverSpec['resources'][number];

export interface Waking {
  client: KubeClient;
  /** With this set, only objects of the Receiver's own namespace are reconciled. */
  noCrossNamespaceRefs: boolean;
}

/** The values of a call that expressions can use. */
export interface CallValues {
  /** The body as JSON; undefined if it is none. */
  request: unknown;
  claims: Record<string, unknown> | undefined;
}

/** Objects that are read or patched at a time for one call. */
const AT_ONCE = 16;
/** Objects selected by `*` that are reconciled at most. */
const MAX_SELECTED = 1_000;
const FIELD_MANAGER = 'notification-controller';

/** Kinds that may be named without their API version, as under Flux. */
const KNOWN: Readonly<Record<string, string>> = {
  ArtifactGenerator: 'source.extensions.fluxcd.io/v1beta1',
  Bucket: 'source.toolkit.fluxcd.io/v1',
  ExternalArtifact: 'source.toolkit.fluxcd.io/v1',
  GitRepository: 'source.toolkit.fluxcd.io/v1',
  HelmChart: 'source.toolkit.fluxcd.io/v1',
  HelmRepository: 'source.toolkit.fluxcd.io/v1',
  OCIRepository: 'source.toolkit.fluxcd.io/v1',
  ImageRepository: 'image.toolkit.fluxcd.io/v1',
};

/**
 * Requests the reconciliation of the Receiver's objects, as `flux reconcile` does. A failure of one doesn't stop the
 * others. Resolves with the failures, one text each.
 */
export async function wakeObjects(
  receiver: Receiver,
  values: CallValues,
  expressions: Expressions,
  waking: Waking,
): Promise<string[]> {
  const requestedAt = new Date().toISOString();
  const failures: string[] = [];
  await mapBounded(receiver.spec.resources, AT_ONCE, async (resource) => {
    try {
      const { type, objects } = await select(receiver, resource, waking);
      await mapBounded(objects, AT_ONCE, async (object) => {
        try {
          if (!(await isWanted(receiver, resource, object, values, expressions, waking.client))) {
            return;
          }
          await annotate(waking.client, type, object, requestedAt);
        } catch (error) {
          failures.push(describe(resource, error));
        }
      });
    } catch (error) {
      failures.push(describe(resource, error));
    }
  });
  return failures;
}

interface Selected {
  namespace: string;
  name: string;
  /** The object, if it was read already. */
  object?: KubeObject;
}

async function select(
  { metadata }: Receiver,
  resource: Resource,
  { client, noCrossNamespaceRefs }: Waking,
): Promise<{ type: ResourceType; objects: Selected[] }> {
  const own = metadata.namespace ?? '';
  const { kind, name, namespace = own, matchLabels } = resource;
  if (noCrossNamespaceRefs && namespace !== own) {
    throw new Error('objects of other namespaces are refused (--no-cross-namespace-refs)');
  }
  const apiVersion = resource.apiVersion || KNOWN[kind];
  if (apiVersion === undefined) throw new Error('this kind needs its apiVersion');
  const type = await client.discovery.resourceForKind(apiVersion, kind);
  if (name !== '*') return { type, objects: [{ namespace, name }] };
  if (matchLabels === undefined || Object.keys(matchLabels).length === 0) {
    throw new Error("the name '*' needs matchLabels");
  }
  const labelSelector = Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await client.list(type, { namespace, labelSelector, metadataOnly: true });
  if (items.length > MAX_SELECTED) throw new Error(`more than ${MAX_SELECTED} objects match`);
  const objects = items.map((object) => ({ namespace, name: object.metadata.name, object }));
  return { type, objects };
}

async function isWanted(
  { spec }: Receiver,
  { filter, kind, apiVersion = KNOWN[kind] ?? '' }: Resource,
  selected: Selected,
  { request, claims }: CallValues,
  expressions: Expressions,
  client: KubeClient,
): Promise<boolean> {
  const filters = [spec.resourceFilter, filter].filter((each) => each !== undefined && each !== '');
  if (filters.length === 0) return true;
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new Error('the body is no JSON object, which the filter wants');
  }
  const type = await client.discovery.resourceForKind(apiVersion, kind);
  const { namespace, name } = selected;
  const object =
    selected.object ?? (await client.get(type, { namespace, name }, { metadataOnly: true }));
  const metadata = { ...object.metadata, managedFields: undefined };
  const res = { apiVersion, kind, metadata };
  const variables = { req: request, res, ...(claims === undefined ? {} : { claims }) };
  for (const expression of filters) {
    if (!(await expressions.holds(expression ?? '', variables))) return false;
  }
  return true;
}

async function annotate(
  client: KubeClient,
  type: ResourceType,
  { namespace, name }: Selected,
  requestedAt: string,
): Promise<void> {
  const body = { metadata: { annotations: { [RECONCILE_REQUEST]: requestedAt } } };
  await client.patch(type, { namespace, name }, body, {
    kind: 'merge',
    fieldManager: FIELD_MANAGER,
  });
}

function describe({ kind, name, apiVersion }: Resource, error: unknown): string {
  const { group } = parseApiVersion(apiVersion ?? '');
  const what = `${kind}${group ? `.${group}` : ''}/${name}`;
  if (isNotFound(error)) return `${what}: not found`;
  return `${what}: ${error instanceof Error ? error.message : String(error)}`;
}
