// Opens the Receivers: the controller that gives them their paths, and the server of their webhooks.
import { Receiver } from '@weir/api';
import { createInformer, runController } from '@weir/controller';
import { isNotFound, type KubeClient, objectKey, readSecret } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { ServiceParts } from '@weir/service';
import type { SendHttp } from '../providers/io/http.ts';
import { expressionsOf } from './expressions.ts';
import { webhookPath } from './path.ts';
import { createWebhookPaths } from './paths.ts';
import { reconcile } from './reconcile.ts';
import { serveHooks } from './serve.ts';
import { CallRefused } from './verify/request.ts';
import { createVerify } from './verify/types.ts';

const RETRY = { minMs: 750, maxMs: 5 * 60_000 };
const CONCURRENCY = 16;
/** The time limit for fetching an issuer's keys while the caller waits. Milliseconds. */
const ISSUER_MS = 5_000;
const MAX_KEYS_BYTES = 512 * 1024;

export interface OpenedReceivers {
  port: number;
  missing(): string | undefined;
}

/** Opens all of it. Rejects when the port is taken. */
export async function openReceivers(
  parts: ServiceParts,
  { pool, http }: { pool: RenderPool; http: SendHttp },
): Promise<OpenedReceivers> {
  const { client, settings, membership, recorder, metrics, tracing, log, signal, stack } = parts;
  const informer = createInformer<Receiver>(client, Receiver, { log, signal });
  stack.defer(() => informer.close());
  const paths = createWebhookPaths({
    informer,
    log,
    async compute(receiver) {
      const { secretRef } = receiver.spec;
      if (secretRef === undefined) return webhookPath(receiver, '');
      const { namespace = '' } = receiver.metadata;
      const token = await readTokenOf(client, { namespace, name: secretRef.name });
      return token === undefined ? undefined : webhookPath(receiver, token);
    },
  });
  stack.defer(() => paths.close());
  const forNamespace = (namespace: string) => expressionsOf(pool, namespace);
  const controller = runController<Receiver>({
    name: 'receiver',
    kind: Receiver,
    informer,
    membership,
    concurrency: CONCURRENCY,
    retry: RETRY,
    reconcile: (object, context) =>
      reconcile(object, context, informer, {
        ...{ client, recorder, expressionsOf: forNamespace, setPath: paths.set },
        minIntervalMs: settings.duration('min-interval', 1_000),
      }),
    ...{ log, metrics, tracing },
  });
  stack.defer(() => controller.close());

  const server = await serveHooks({
    ...{ client, metrics, log },
    port: settings.port('receiver-port', 9292),
    receiversAt: paths.at,
    recheck: (receiver) => controller.enqueue(objectKey(receiver), { cause: 'secret' }),
    verify: createVerify(),
    expressionsOf: forNamespace,
    fetchJson: (namespace, url) => fetchJson(http, namespace, url),
    noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
  });
  stack.defer(() => server.close());
  return {
    port: server.port,
    missing: () => (informer.hasSynced() ? undefined : 'receivers not read yet'),
  };
}

/** The token of a Receiver's Secret; undefined where there is none. */
async function readTokenOf(
  client: KubeClient,
  ref: { namespace: string; name: string },
): Promise<string | undefined> {
  try {
    return (await readSecret(client, ref)).get('token')?.toString('utf8');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function fetchJson(http: SendHttp, namespace: string, url: string): Promise<unknown> {
  const request = { method: 'GET', url, maxBytes: MAX_KEYS_BYTES } as const;
  try {
    const { text } = await http({ namespace }, request, AbortSignal.timeout(ISSUER_MS));
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CallRefused('the issuer can not be asked for its keys', { cause });
  }
}
