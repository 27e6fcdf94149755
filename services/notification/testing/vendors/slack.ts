// Slack's Web API for messages as its reference has it (https://docs.slack.dev/reference/methods/chat.postMessage,
// .../chat.update and /reference/block-kit/blocks): it refuses what Slack refuses, by Slack's words, and limits as Slack does.
import { type ReceivedRequest, type Reply, startReceiver } from '@weir/cluster';

export interface SlackMessage {
  ts: string;
  channel: string;
  threadTs?: string;
  broadcast: boolean;
  username: string;
  /** As it is now. */
  body: Record<string, unknown>;
  updates: number;
}

export interface FakeSlack {
  /** The address of a Provider. */
  address: string;
  /** The messages of the channel, oldest first; those in threads too. */
  messages(): SlackMessage[];
  calls(): { method: string; ts: string; status: number; error: string }[];
  /** Removes a message, as a person in Slack may. */
  remove(ts: string): void;
  /** Answers the next calls in place of Slack. */
  answerNext(...replies: Reply[]): void;
  close(): Promise<void>;
}

export const TOKEN = 'xoxb-1-made-up';
const CHANNELS: Readonly<Record<string, string>> = {
  '#ops': 'C0OPS',
  ops: 'C0OPS',
  C0OPS: 'C0OPS',
};

/** `perSecond` is how many messages a channel accepts in a second; unlimited unless given. */
export async function startSlack({ perSecond }: { perSecond?: number } = {}): Promise<FakeSlack> {
  const messages = new Map<string, SlackMessage>();
  const calls: ReturnType<FakeSlack['calls']> = [];
  const replies: Reply[] = [];
  let posted: number[] = [];
  let last = 1_700_000_000;

  function answer(request: ReceivedRequest): Reply {
    const method = request.path.replace('/api/', '');
    const next = replies.shift();
    const reply = next ?? take(method, request);
    const { error = '' } = (reply.body?.startsWith('{') ? JSON.parse(reply.body) : {}) as {
      error?: string;
    };
    const { ts = '' } = safeParse(request.body) as { ts?: string };
    calls.push({ method, ts, status: reply.status ?? 200, error });
    return reply;
  }

  function take(method: string, { method: verb, headers, body }: ReceivedRequest): Reply {
    const type = headers['content-type'] ?? '';
    if (verb !== 'POST' || !/^application\/json(; ?charset=utf-8)?$/.test(type)) {
      return refuse('invalid_post_type');
    }
    if (headers.authorization === undefined) return refuse('not_authed');
    if (headers.authorization !== `Bearer ${TOKEN}`) return refuse('invalid_auth');
    const message = safeParse(body);
    const wrong = wrongIn(message);
    if (wrong !== undefined) return refuse(wrong);
    if (method === 'chat.postMessage') return post(message);
    if (method === 'chat.update') return update(message);
    return refuse('unknown_method');
  }

  function post(message: Record<string, unknown>): Reply {
    const channel = CHANNELS[String(message.channel)];
    if (channel === undefined) return refuse('channel_not_found');
    const now = Date.now();
    posted = posted.filter((at) => at > now - 1_000);
    if (perSecond !== undefined && posted.length >= perSecond) {
      const limited = JSON.stringify({ ok: false, error: 'ratelimited' });
      return { status: 429, headers: { 'retry-after': '1' }, body: limited };
    }
    posted.push(now);
    const { thread_ts: threadTs } = message;
    if (threadTs !== undefined && !messages.has(String(threadTs)))
      return refuse('thread_not_found');
    if (message.reply_broadcast === true && threadTs === undefined)
      return refuse('invalid_arguments');
    const ts = `${++last}.000100`;
    messages.set(ts, {
      ts,
      channel,
      ...(threadTs === undefined ? {} : { threadTs: String(threadTs) }),
      broadcast: message.reply_broadcast === true,
      username: String(message.username ?? ''),
      body: message,
      updates: 0,
    });
    return ok({ channel, ts, message });
  }

  function update(message: Record<string, unknown>): Reply {
    // A channel's name is no good here, unlike for chat.postMessage.
    if (!/^[CDG][A-Z0-9]+$/.test(String(message.channel))) return refuse('channel_not_found');
    const found = messages.get(String(message.ts));
    if (found === undefined) return refuse('message_not_found');
    found.body = { ...found.body, ...message };
    found.updates += 1;
    return ok({ channel: found.channel, ts: found.ts, text: '' });
  }

  const server = await startReceiver();
  server.reply(answer);
  return {
    address: `${server.url}/api/chat.postMessage`,
    messages: () => [...messages.values()],
    calls: () => [...calls],
    remove: (ts) => messages.delete(ts),
    answerNext: (...next) => void replies.push(...next),
    close: () => server.close(),
  };
}

/** The text that a message shows, with one line for each block. */
export function shownIn({ body }: SlackMessage): string[] {
  const { attachments = [], blocks = [] } = body as { attachments?: Block[]; blocks?: Block[] };
  return [...blocks, ...attachments.flatMap((attachment) => attachment.blocks as Block[])].flatMap(
    ({ text, fields = [], elements = [] }) =>
      [text, ...(fields as Text[]), ...(elements as Text[])]
        .filter((each): each is Text => each !== undefined)
        .map((each) => each.text),
  );
}

export function colorOf({ body }: SlackMessage): unknown {
  return (body.attachments as Block[] | undefined)?.[0]?.color;
}

type Text = { type: string; text: string };
type Block = Record<string, unknown> & { text?: Text };

/** Slack's word for what is wrong with a message; undefined for a good one. */
export function wrongIn(message: Record<string, unknown>): string | undefined {
  const {
    text,
    blocks = [],
    attachments = [],
  } = message as {
    text?: string;
    blocks?: Block[];
    attachments?: Block[];
  };
  if (!text && blocks.length === 0 && attachments.length === 0) return 'no_text';
  if ((text ?? '').length > 40_000) return 'msg_too_long';
  if (attachments.length > 100) return 'too_many_attachments';
  const all = [...blocks, ...attachments.flatMap((each) => (each.blocks as Block[]) ?? [])];
  if (all.length > 50 || !all.every(isBlock)) return 'invalid_blocks';
  const size = all.flatMap((block) => JSON.stringify(block).length).reduce((a, b) => a + b, 0);
  return size > 13_000 ? 'msg_blocks_too_long' : undefined;
}

function isBlock({ type, text, fields, elements }: Block): boolean {
  if (type === 'section') {
    const list = (fields ?? []) as Text[];
    const hasOne = text !== undefined || list.length > 0;
    return (
      hasOne &&
      (text === undefined || isText(text, 3_000)) &&
      list.length <= 10 &&
      list.every((each) => isText(each, 2_000))
    );
  }
  if (type === 'context') {
    const list = (elements ?? []) as Text[];
    return list.length > 0 && list.length <= 10 && list.every((each) => isText(each, 3_000));
  }
  return false;
}

function isText({ type, text, ...rest }: Text & { verbatim?: unknown }, max: number): boolean {
  const known = Object.keys(rest).every((key) => key === 'verbatim' || key === 'emoji');
  return known && ['mrkdwn', 'plain_text'].includes(type) && text.length > 0 && text.length <= max;
}

function safeParse(body: string): Record<string, unknown> {
  return body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {};
}

function ok(fields: object): Reply {
  return { body: JSON.stringify({ ok: true, ...fields }) };
}

function refuse(error: string): Reply {
  return { body: JSON.stringify({ ok: false, error }) };
}
