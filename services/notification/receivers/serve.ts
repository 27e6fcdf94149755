// The webhooks: a call is checked as the type of its Receiver requires, and the objects are reconciled.
import type { IncomingMessage } from 'node:http';
import { type Receiver, WATCH_LABEL } from '@weir/api';
import { createFairLimit } from '@weir/async';
import {
  isNotFound,
  type KubeClient,
  type KubeObject,
  objectKey,
  Secret,
  type SecretData,
} from '@weir/kube';
import type { Logger, Metrics } from '@weir/telemetry';
import { type Answer, type HttpService, isTooLarge, readBody, serveHttp } from '../http/serve.ts';
import { ExpressionFailed, type Expressions } from './expressions.ts';
import { HOOK_PREFIX, webhookPath } from './path.ts';
import { createRates } from './rates.ts';
import { wakeObjects } from './resources.ts';
import { type Call, CallRefused, type Verified, type Verifying } from './verify/request.ts';
import type { VerifyTypes } from './verify/types.ts';

export interface HooksOptions {
  client: KubeClient;
  port: number;
  /** The Receivers whose webhook has this path, the oldest first. */
  receiversAt(path: string): Promise<Receiver[]>;
  /** Checks the Receiver again, because its Secret has changed. */
  recheck(receiver: Receiver): void;
  verify: VerifyTypes;
  expressionsOf(namespace: string): Expressions;
  /** Reads JSON of an issuer, for a namespace. */
  fetchJson(namespace: string, url: string): Promise<unknown>;
  noCrossNamespaceRefs: boolean;
  metrics: Metrics;
  log: Logger;
}

type Encoded = Record<string, string>;

/** Flux's limit. */
const MAX_BODY_BYTES = 3 * 1024 ** 2;
/**
 * Calls that are worked on at a time, fairly by the namespace of the Receiver; calls of one namespace that may wait
 * besides; and requests in all.
 */
const WORKED_ON = 64;
const OF_A_NAMESPACE = 128;
const CONCURRENCY = 512;
/** Receivers with the same path that get a call: the oldest ones. */
const SAME_PATH = 4;
/** Rate of calls of one path: a push of many branches is many calls. */
const PER_PATH = { burst: 120, perSecond: 10 };
/** Rate of calls from one address, which may be an ingress that all calls come through. */
const PER_ADDRESS = { burst: 2_000, perSecond: 200 };

/**
 * Serves the webhooks by any method: 200 when all objects are reconciled, 400 for a call that isn't what it should be, 404
 * for an unknown path, 413 beyond 3 MiB, 429 for too many calls, 500 when some object could not be, 503 for a Receiver
 * that is suspended or not ready. Rejects when the port is taken.
 */
export async function serveHooks(options: HooksOptions): Promise<HttpService> {
  const { log } = options;
  const pathRates = createRates(PER_PATH);
  const slots = createFairLimit(WORKED_ON);
  const flying = new Map<string, number>();
  const addressRates = createRates(PER_ADDRESS);
  const counted = options.metrics.counter(
    'weir_webhooks_total',
    'Calls of webhooks, by the status of the answer',
  );

  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = request.url ?? '';
    if (!path.startsWith(HOOK_PREFIX)) return { status: 404, body: '404 page not found\n' };
    if (!addressRates(request.socket.remoteAddress ?? '')) return tooMany();
    // The answer to a body that is too large doesn't show whether the path exists.
    if (isTooLarge(request, MAX_BODY_BYTES)) return { status: 413 };
    // With a query or a slash at its end it is another path.
    const receivers = await options.receiversAt(path);
    const [first] = receivers;
    if (first === undefined) return { status: 404 };
    if (!pathRates(path)) return tooMany();
    const ready = receivers.filter((each) => !each.spec.suspend && isReady(each));
    if (ready.length === 0) return { status: 503 };
    const { namespace = '' } = first.metadata;
    const answered = await inFlight(namespace, async () => {
      const body = await readBody(request, MAX_BODY_BYTES);
      if (body === undefined) return { status: 413 };
      return takeAll(ready.slice(0, SAME_PATH), { headers: request.headers, body });
    });
    return answered ?? tooMany();
  }

  /**
   * Runs in the namespace's slots; undefined when too many calls of it wait. A client that sends its body slowly holds
   * one meanwhile.
   */
  async function inFlight<T>(namespace: string, work: () => Promise<T>): Promise<T | undefined> {
    const held = flying.get(namespace) ?? 0;
    if (held >= OF_A_NAMESPACE) return undefined;
    flying.set(namespace, held + 1);
    try {
      return await slots.run(namespace, work);
    } finally {
      const left = (flying.get(namespace) ?? 1) - 1;
      if (left === 0) flying.delete(namespace);
      else flying.set(namespace, left);
    }
  }

  /**
   * A call goes to each Receiver with its path, and each checks it by itself: so nobody can take another's calls by a
   * Receiver with the same path. The best result is the answer.
   */
  async function takeAll(receivers: Receiver[], call: Call): Promise<Answer> {
    const answers: Answer[] = [];
    for (const receiver of receivers) answers.push(await take(receiver, call));
    const best = [200, 500, 400, 404].flatMap((status) =>
      answers.filter((given) => given.status === status),
    );
    return best[0] ?? { status: 404 };
  }

  async function take(receiver: Receiver, call: Call): Promise<Answer> {
    const { namespace = '' } = receiver.metadata;
    const about = { receiver: objectKey(receiver) };
    const secret = await secretOf(receiver);
    if (secret === undefined) {
      options.recheck(receiver);
      return { status: 404 };
    }
    const expressions = options.expressionsOf(namespace);
    const verifying: Verifying = {
      receiver,
      secret,
      fetchJson: (url) => options.fetchJson(namespace, url),
      evaluate: expressions.value,
    };
    let verified: Verified;
    try {
      verified = await options.verify[receiver.spec.type](call, verifying);
    } catch (error) {
      if (!(error instanceof CallRefused)) throw error;
      log.info({ ...about, why: error.message }, 'A call of a webhook was refused');
      return { status: 400, body: error.answer };
    }
    const request = wantsRequest(receiver) ? (verified.request ?? parse(call.body)) : undefined;
    const values = { request, claims: verified.claims };
    const failures = await wakeObjects(receiver, values, expressions, options);
    if (failures.length === 0) return { status: 200 };
    log.warn({ ...about, failures: failures.slice(0, 10) }, 'A webhook could not do all of it');
    return { status: 500 };
  }

  /**
   * The Receiver's present Secret; undefined when it is gone. Secrets are not watched, as that needs the right to read
   * all of them: a new token of one with the label is noticed here, and the Receiver gets its new path.
   */
  async function secretOf(receiver: Receiver): Promise<SecretData | undefined> {
    const { spec, metadata, status } = receiver;
    if (spec.secretRef === undefined) return new Map();
    const { namespace = '' } = metadata;
    try {
      const ref = { namespace, name: spec.secretRef.name };
      const secret = await options.client.get<KubeObject & { data?: Encoded }>(Secret, ref);
      const entries = Object.entries(secret.data ?? {});
      const data = new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64')]));
      const path = webhookPath(receiver, data.get('token')?.toString('utf8') ?? '');
      const isWatched = secret.metadata.labels?.[WATCH_LABEL] === 'Enabled';
      if (isWatched && path !== status?.webhookPath) options.recheck(receiver);
      return data;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  return serveHttp({
    port: options.port,
    concurrency: CONCURRENCY,
    async answer(request) {
      const given = await answer(request);
      counted.add(1, { status: String(given.status) });
      return given;
    },
    failed(error) {
      counted.add(1, { status: '500' });
      if (error instanceof ExpressionFailed) return;
      log.warn({ err: error }, 'A call of a webhook failed');
    },
  });
}

function isReady({ status }: Receiver): boolean {
  return (
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  );
}

/** A body of 3 MiB takes a while to parse, so it is parsed only if an expression uses it. */
function wantsRequest({ spec: { resourceFilter, resources } }: Receiver): boolean {
  return Boolean(resourceFilter) || resources.some(({ filter }) => Boolean(filter));
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // Most bodies are used by no expression; one that does use this body fails then.
    return undefined;
  }
}

function tooMany(): Answer {
  return { status: 429, headers: { 'retry-after': '10' } };
}
