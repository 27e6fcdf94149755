// Feishu as its open platform documents it: custom bots ("Custom bot usage guide"), tenant tokens, and messages of apps
// (https://open.feishu.cn/document/server-docs/im-v1/message/create, .../message-card/patch). It refuses what Feishu refuses.
import { createHmac } from 'node:crypto';
import { type ReceivedRequest, type Reply, startReceiver } from '@weir/cluster';

export interface FeishuMessage {
  id: string;
  receiver: string;
  card: Record<string, unknown>;
  updates: number;
  replyTo?: string;
}

export interface FakeFeishu {
  url: string;
  hook: string;
  messages(): FeishuMessage[];
  tokens(): number;
  /** Ends all tokens, as Feishu does after two hours or when the secret is reset. */
  endTokens(): void;
  recall(id: string): void;
  /** Refuses this many requests: the limit of a chat is 5 messages a second. */
  limit(requests: number): void;
  requests(): ReceivedRequest[];
  close(): Promise<void>;
}

export const APP = { id: 'cli_made_up', secret: 'app-secret-made-up' };
export const HOOK_SECRET = 'hook-secret-made-up';
const CHAT = 'oc_chat';

export async function startFeishu(): Promise<FakeFeishu> {
  const messages = new Map<string, FeishuMessage>();
  const recalled = new Set<string>();
  const uuids = new Map<string, string>();
  let generation = 0;
  let tokens = 0;
  let limited = 0;

  const isMine = ({ headers }: ReceivedRequest) =>
    headers.authorization === `Bearer t-${generation}`;

  function answer(request: ReceivedRequest): Reply {
    const { method, path } = request;
    const body = JSON.parse(request.body) as Record<string, unknown>;
    if (path.startsWith('/open-apis/bot/v2/hook/')) return hook(body);
    if (request.headers['content-type'] !== 'application/json; charset=utf-8') return refuse(9499);
    if (path === '/open-apis/auth/v3/tenant_access_token/internal') return token(body);
    if (!isMine(request)) return refuse(99991663, 400);
    if (limited > 0) {
      limited -= 1;
      const headers = { 'x-ogw-ratelimit-limit': '50', 'x-ogw-ratelimit-reset': '2' };
      return { status: 429, headers, body: JSON.stringify({ code: 99991400, msg: 'too many' }) };
    }
    const [, id = '', rest] =
      /^\/open-apis\/im\/v1\/messages\/([\w-]+)(\/reply)?$/.exec(path) ?? [];
    if (method === 'PATCH' && id !== '') return patch(id, body);
    if (method === 'POST' && rest !== undefined) return create(CHAT, body, id);
    const type = /^\/open-apis\/im\/v1\/messages\?receive_id_type=(\w+)$/.exec(path)?.[1];
    const isChat = type === 'chat_id' && body.receive_id === CHAT;
    if (method !== 'POST' || type === undefined) return refuse(99991672, 404);
    return isChat ? create(CHAT, body) : refuse(230001, 400);
  }

  function hook({ timestamp, sign, msg_type: type, card }: Record<string, unknown>): Reply {
    const key = `${timestamp}\n${HOOK_SECRET}`;
    const wanted = createHmac('sha256', key).update('').digest('base64');
    const age = Math.abs(Date.now() / 1_000 - Number(timestamp));
    if (sign !== wanted || !(age < 3_600)) return refuse(19021);
    return type === 'interactive' && isCard(card) ? accept({}) : refuse(9499);
  }

  function token({ app_id: id, app_secret: secret }: Record<string, unknown>): Reply {
    if (id !== APP.id || secret !== APP.secret) return refuse(10014);
    tokens += 1;
    const fields = { code: 0, msg: 'ok', tenant_access_token: `t-${generation}`, expire: 7_200 };
    return { body: JSON.stringify(fields) };
  }

  function create(receiver: string, body: Record<string, unknown>, replyTo?: string): Reply {
    const { msg_type: type, content, uuid } = body;
    if (String(uuid ?? '').length > 50) return refuse(230001, 400);
    const before = uuids.get(String(uuid));
    if (before !== undefined) return accept({ message_id: before });
    const card = cardOf(content);
    if (type !== 'interactive' || card === undefined) return refuse(230001, 400);
    if (String(content).length > 30 * 1024) return refuse(230025, 400);
    const id = `om_${messages.size + 1}`;
    messages.set(id, {
      ...{ id, receiver, card, updates: 0 },
      ...(replyTo === undefined ? {} : { replyTo }),
    });
    uuids.set(String(uuid), id);
    return accept({ message_id: id });
  }

  function patch(id: string, { content, ...rest }: Record<string, unknown>): Reply {
    const message = messages.get(id);
    if (message === undefined || recalled.has(id)) return refuse(230011, 400);
    const card = cardOf(content);
    const isShared = (each: object | undefined) =>
      (each as { config?: { update_multi?: unknown } } | undefined)?.config?.update_multi === true;
    if (!isShared(card) || !isShared(message.card)) return refuse(230099, 400);
    if (Object.keys(rest).length > 0) return refuse(230001, 400);
    message.card = card ?? {};
    message.updates += 1;
    return accept({});
  }

  const server = await startReceiver();
  server.reply(answer);
  return {
    url: server.url,
    hook: `${server.url}/open-apis/bot/v2/hook/made-up`,
    messages: () => [...messages.values()],
    tokens: () => tokens,
    endTokens: () => {
      generation += 1;
    },
    recall: (id) => void recalled.add(id),
    limit: (requests) => {
      limited = requests;
    },
    requests: () => server.requests(),
    close: () => server.close(),
  };
}

/** Colour and title of a card's header, and its texts. */
export function shownIn(card: Record<string, unknown>): {
  color: string;
  title: string;
  texts: string[];
} {
  const { header, elements } = card as {
    header: { template: string; title: { content: string } };
    elements: Element[];
  };
  const texts = elements.flatMap(({ text, fields = [], elements: notes = [] }) => [
    ...(text === undefined ? [] : [text.content]),
    ...fields.map((field) => field.text.content),
    ...notes.map(({ content }) => content),
  ]);
  return { color: header.template, title: header.title.content, texts };
}

interface Text {
  tag: string;
  content: string;
}

interface Element {
  tag: string;
  text?: Text;
  fields?: { is_short: boolean; text: Text }[];
  elements?: Text[];
}

const COLORS = 'blue wathet turquoise green yellow orange red carmine violet purple indigo grey';

function cardOf(content: unknown): Record<string, unknown> | undefined {
  // Within a message a card is a text.
  const card = typeof content === 'string' ? (JSON.parse(content) as unknown) : undefined;
  return isCard(card) ? card : undefined;
}

function isCard(card: unknown): card is Record<string, unknown> {
  const { header, elements } = (card ?? {}) as {
    header?: { title?: Text; template?: string };
    elements?: Element[];
  };
  return (
    isText(header?.title) &&
    COLORS.split(' ').includes(header?.template ?? '') &&
    Array.isArray(elements) &&
    elements.length > 0 &&
    elements.every(isElement)
  );
}

function isElement({ tag, text, fields = [], elements = [] }: Element): boolean {
  if (tag === 'hr') return true;
  if (tag === 'note') return elements.length > 0 && elements.every(isText);
  const hasOne = text !== undefined || fields.length > 0;
  return (
    tag === 'div' &&
    hasOne &&
    (text === undefined || isText(text)) &&
    fields.every(({ text: each }) => isText(each))
  );
}

function isText(text: Text | undefined): boolean {
  return ['plain_text', 'lark_md'].includes(text?.tag ?? '') && typeof text?.content === 'string';
}

function accept(data: object): Reply {
  return { body: JSON.stringify({ code: 0, msg: 'success', data }) };
}

function refuse(code: number, status = 200): Reply {
  return { status, body: JSON.stringify({ code, msg: 'refused' }) };
}
