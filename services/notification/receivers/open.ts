// Receivers: the controller that gives them their paths, and the server of their webhooks.
import { Receiver } from '@weir/api';
import { createInformer, indexBy, runController } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { ServiceParts } from '@weir/service';
import type { SendHttp } from '../providers/io/http.ts';
import { expressionsOf } from './expressions.ts';
import { reconcile } from './reconcile.ts';
import { serveHooks } from './serve.ts';
import { CallRefused } from './verify/request.ts';
import { createVerify } from './verify/types.ts';

const RETRY = { minMs: 750, maxMs: 5 * 60_000 };
const CONCURRENCY = 16;
/** How long an issuer may take for its keys: the caller waits. */
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
  const byPath = indexBy(informer, ({ status }) =>
    status?.webhookPath === undefined ? [] : [status.webhookPath],
  );
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
        ...{ client, recorder, expressionsOf: forNamespace },
        minIntervalMs: settings.duration('min-interval', 1_000),
      }),
    ...{ log, metrics, tracing },
  });
  stack.defer(() => controller.close());

  const server = await serveHooks({
    ...{ client, metrics, log },
    port: settings.port('receiver-port', 9292),
    receiverAt: (path) => byPath.get(path)[0],
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

async function fetchJson(http: SendHttp, namespace: string, url: string): Promise<unknown> {
  const request = { method: 'GET', url, maxBytes: MAX_KEYS_BYTES } as const;
  try {
    const { text } = await http({ namespace }, request, AbortSignal.timeout(ISSUER_MS));
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CallRefused('the issuer can not be asked for its keys', { cause });
  }
}
