// Feishu and Lark by an app's bot (https://open.feishu.cn/document/server-docs/im-v1): a card a rollout, which changes.
import { createHash } from 'node:crypto';
import type { FluxEvent } from '@weir/events';
import { DeliveryError } from '../../delivery/errors.ts';
import type { HttpAnswer, HttpRequest } from '../io/http.ts';
import { invalidProvider } from '../message.ts';
import { type Io, TOKEN_TIMEOUT_MS } from '../provider.ts';
import type { Target } from '../target.ts';
import { showInPlace } from './in-place.ts';
import { larkCard } from './lark-card.ts';
import { codeOf, LarkRefusal } from './lark-codes.ts';
import { wordsOf } from './words.ts';

/** Feishu unless the Provider's address is that of Lark. */
const DEFAULT_ORIGIN = 'https://open.feishu.cn';
/** Codes of a message that was recalled, is older than 14 days or was deleted: it is posted anew. */
const GONE = new Set([230011, 230031, 230110]);
/** Codes of a token that is not, or no longer, good. */
const STALE_TOKEN = new Set([99991661, 99991663, 99991664, 99991665, 99991668, 99991677]);
/** Refusals come with these statuses too, and their code tells what they are. */
const WITH_CODES = [400, 401, 403, 404, 429];

/** Whether the Secret holds an app's credentials, and the address is no custom bot's. */
export function isAppBot({ address, secret }: Pick<Target, 'address' | 'secret'>): boolean {
  return Boolean(secret?.has('app_id')) && !isHook(address);
}

/** Whether an address is the webhook of a custom bot. */
export function isHook(address: string): boolean {
  return URL.parse(address)?.pathname.startsWith('/open-apis/bot/') ?? false;
}

/** Sends an event; the card of the same rollout is changed. Rejects as a type of Provider does. */
export async function sendAsApp(event: FluxEvent, target: Target, io: Io): Promise<void> {
  const app = appOf(target);
  const { channel } = target;
  if (!channel)
    throw invalidProvider('spec.channel is missing: the id of the chat, such as oc_...');
  const call = (request: Omit<HttpRequest, 'url'>, path: string) =>
    callAsApp(
      app,
      { ...request, url: `${app.origin}/open-apis/im/v1/messages${path}` },
      target,
      io,
    );
  await showInPlace(event, target, io, {
    type: 'lark',
    place: [app.origin, app.id, channel],
    async post(look) {
      const content = JSON.stringify(larkCard(event, look));
      const message = {
        receive_id: channel,
        msg_type: 'interactive',
        content,
        uuid: uuidOf(io, ''),
      };
      const path = `?receive_id_type=${receiverType(channel)}`;
      const answer = await call({ method: 'POST', body: JSON.stringify(message) }, path);
      const { data } = answer as { data?: { message_id?: unknown } };
      return { id: messageId(data?.message_id), channel };
    },
    async change({ id }, look) {
      const content = JSON.stringify(larkCard(event, look));
      try {
        await call({ method: 'PATCH', body: JSON.stringify({ content }) }, `/${messageId(id)}`);
        return true;
      } catch (error) {
        if (error instanceof LarkRefusal && GONE.has(error.code)) return false;
        throw error;
      }
    },
    details(step, recovered) {
      // A card holds all that there is to say; but nobody is notified of a change, and the end of a failure is news.
      if (step !== 'update' || !recovered) return undefined;
      return async ({ id, failures }) => {
        const { locale } = target.provider.object.spec;
        const look = { state: 'done', words: wordsOf(locale), failures, recovered } as const;
        const content = JSON.stringify(larkCard(event, look));
        const message = { msg_type: 'interactive', content, uuid: uuidOf(io, 'reply') };
        await call({ method: 'POST', body: JSON.stringify(message) }, `/${messageId(id)}/reply`);
      };
    },
  });
}

interface App {
  origin: string;
  id: string;
  secret: string;
}

function appOf({ address, secret }: Target): App {
  const text = (key: string) => secret?.get(key)?.toString('utf8').trim() ?? '';
  const id = text('app_id');
  const appSecret = text('app_secret');
  if (!id || !appSecret) throw invalidProvider("the secret has not both 'app_id' and 'app_secret'");
  return { origin: address ? new URL(address).origin : DEFAULT_ORIGIN, id, secret: appSecret };
}

/** The same request has the same one, and Feishu takes it once within an hour. At most 50 characters. */
function uuidOf({ id, alert }: Io, what: string): string {
  const text = JSON.stringify([id, alert.metadata.uid, what]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function messageId(value: unknown): string {
  return typeof value === 'string' && /^[\w-]{1,128}$/.test(value) ? value : '';
}

/** What an id is of shows in its beginning. */
function receiverType(id: string): string {
  if (id.startsWith('ou_')) return 'open_id';
  if (id.startsWith('on_')) return 'union_id';
  return id.includes('@') ? 'email' : 'chat_id';
}

/** Calls with the app's token; one that Feishu doesn't take any more is obtained anew, once. */
async function callAsApp(
  app: App,
  request: HttpRequest,
  { namespace, channel }: Target,
  io: Io,
): Promise<unknown> {
  const credentials = [namespace, app.origin, app.id, app.secret];
  for (let attempt = 1; ; attempt++) {
    const { token } = await io.tokens.get(credentials, () => obtainToken(app, io), io.signal);
    try {
      return await io.paces.run([...credentials, channel], async () =>
        readAnswer(
          await io.request({ ...request, headers: headersWith(token), accept: WITH_CODES }),
        ),
      );
    } catch (error) {
      if (!(error instanceof LarkRefusal) || !STALE_TOKEN.has(error.code)) throw error;
      io.tokens.delete(credentials);
      if (attempt > 1) throw error;
    }
  }
}

async function obtainToken({ origin, id, secret }: App, io: Io) {
  const request = {
    method: 'POST' as const,
    url: `${origin}/open-apis/auth/v3/tenant_access_token/internal`,
    headers: headersWith(undefined),
    body: JSON.stringify({ app_id: id, app_secret: secret }),
    accept: WITH_CODES,
  };
  const answer = await io.request(request, AbortSignal.timeout(TOKEN_TIMEOUT_MS));
  const { tenant_access_token: token, expire } = readAnswer(answer) as Record<string, unknown>;
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,1024}$/.test(token) || !Number(expire)) {
    throw new DeliveryError('Refused', 'Lark answered with no token', { permanent: false });
  }
  return { token, expiresAt: Date.now() + Number(expire) * 1_000 };
}

function headersWith(token: string | undefined): Record<string, string> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return { 'content-type': 'application/json; charset=utf-8', ...authorization };
}

/** The answer, if it is no refusal. Too many requests come with the seconds to wait ("Rate limits" of the platform). */
function readAnswer({ status, headers, text }: HttpAnswer): object {
  if (status === 429) {
    const seconds = Number(headers['x-ogw-ratelimit-reset'] ?? headers['retry-after'] ?? 1);
    const retryAfterMs = Number.isFinite(seconds) ? Math.max(0, seconds) * 1_000 : 1_000;
    const message = 'request failed with status code 429';
    throw new DeliveryError('Refused', message, { permanent: false, retryAfterMs });
  }
  const { code, answer } = codeOf(text);
  if (code === undefined) {
    const message = `request failed with status code ${status}`;
    throw new DeliveryError('Refused', message, { permanent: status >= 400 });
  }
  if (code !== 0) throw new LarkRefusal(code);
  return answer;
}
