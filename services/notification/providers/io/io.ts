import type { Alert } from '@weir/api';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import type { Network } from './connections.ts';
import type { EvaluateFor } from './evaluate.ts';
import type { SendHttp } from './http.ts';
import { createOpen } from './sockets.ts';

/** What a type of Provider gets for one attempt. */
export type IoFor = (
  target: Target,
  attempt: { alert: Alert; id: string; signal: AbortSignal },
) => Io;

/** Makes it, over connections that the attempts share. */
export function createIo(network: Network, http: SendHttp, evaluateFor: EvaluateFor): IoFor {
  const openFor = createOpen(network);
  const { allowLocal } = network;
  return (target, { alert, id, signal }) => ({
    request: (request) => http(target, request, signal),
    open: openFor(target, signal),
    evaluate: evaluateFor(target.namespace, signal),
    policy: { allowLocal, resolver: network.resolverFor(target.namespace), proxy: target.proxy },
    ...{ alert, id, signal },
  });
}
