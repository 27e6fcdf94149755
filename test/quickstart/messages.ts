/** A chat message as the receiver got it, in words. */
export interface ChatMessage {
  chat: 'Slack' | 'Feishu';
  title: string;
  text: string;
}

interface SlackBody {
  attachments?: { author_name?: string; text?: string }[];
}

interface LarkBody {
  card?: {
    header?: { title?: { content?: string } };
    elements?: { text?: { content?: string } }[];
  };
}

/** Reads what Slack's or Feishu's webhook was sent; undefined for anything else. */
export function readChatMessage(path: string, body: string): ChatMessage | undefined {
  if (path.startsWith('/services/')) {
    const [attachment] = (JSON.parse(body) as SlackBody).attachments ?? [];
    if (!attachment) return undefined;
    return { chat: 'Slack', title: attachment.author_name ?? '', text: attachment.text ?? '' };
  }
  if (path.startsWith('/open-apis/bot/')) {
    const { card } = JSON.parse(body) as LarkBody;
    if (!card) return undefined;
    const text = card.elements?.map((element) => element.text?.content ?? '').join('\n') ?? '';
    return { chat: 'Feishu', title: card.header?.title?.content ?? '', text };
  }
  return undefined;
}

/** What Slack's and Feishu's webhooks answer when they have taken a message. */
export function chatAnswer({ path }: { path: string }): { body: string } {
  return {
    body: path.startsWith('/open-apis/bot/') ? '{"code":0,"msg":"success","data":{}}' : 'ok',
  };
}

/** The message on a few lines, for a terminal. */
export function printChatMessage({ chat, title, text }: ChatMessage): string {
  const lines = text.trim().split('\n').filter(Boolean);
  return [`[${chat}] ${title}`, ...lines.map((line) => `  │ ${line}`)].join('\n');
}
