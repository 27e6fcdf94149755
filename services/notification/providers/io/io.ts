import type { Alert } from '@weir/api';
import { createExpiringCache, createSerial } from '@weir/async';
import type { FluxEvent } from '@weir/events';
import type { Posts } from '../../delivery/posts.ts';
import type { AccessToken, Io } from '../provider.ts';
import { type Rollout, rolloutOf } from '../rollout.ts';
import type { Target } from '../target.ts';
import type { Network } from './connections.ts';
import type { EvaluateFor } from './evaluate.ts';
import type { SendHttp } from './http.ts';
import type { CloudTokenFor } from './identity.ts';
import { createPaces } from './paces.ts';
import { createOpen } from './sockets.ts';

/** What a type of Provider gets for one attempt. */
export type IoFor = (target: Target, attempt: Attempted) => Io;

export interface Attempted {
  alert: Alert;
  /** As it is sent. */
  event: FluxEvent;
  /** The event's place in its stream. */
  order: number;
  id: string;
  /** That of the event's object and revision unless given. */
  rollout?: Rollout;
  signal: AbortSignal;
}

/** Tokens that are kept of all namespaces together. */
const MAX_TOKENS = 5_000;

/** Makes it, over connections that the attempts share. */
export function createIo(
  network: Network,
  http: SendHttp,
  evaluateFor: EvaluateFor,
  posts: Posts,
  cloudTokenFor: CloudTokenFor,
): IoFor {
  const openFor = createOpen(network);
  const paces = createPaces();
  const tokens = createExpiringCache<AccessToken>({ max: MAX_TOKENS });
  const serial = createSerial();
  const { allowLocal } = network;
  return (target, { alert, event, order, id, rollout = rolloutOf(alert, event), signal }) => ({
    request: (request, its = signal) => http(target, request, its),
    open: openFor(target, signal),
    evaluate: evaluateFor(target.namespace, signal),
    policy: { allowLocal, resolver: network.resolverFor(target.namespace), proxy: target.proxy },
    cloudToken: cloudTokenFor(target, signal),
    kept: (key) => posts.at(alert.metadata.namespace ?? '', key),
    ...{ paces, tokens, serial, alert, rollout, order, id, signal },
  });
}
