/** A chat message that the receiver got, as text. */
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

/** Reads a request to Slack's or Feishu's webhook; undefined for any other request. */
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

/** The answer of Slack's and Feishu's webhooks to a message that they accept. */
export function chatAnswer({ path }: { path: string }): { body: string } {
  return {
    body: path.startsWith('/open-apis/bot/') ? '{"code":0,"msg":"success","data":{}}' : 'ok',
  };
}

/** The message in a few lines for a terminal. */
export function printChatMessage({ chat, title, text }: ChatMessage): string {
  const lines = text.trim().split('\n').filter(Boolean);
  return [`[${chat}] ${title}`, ...lines.map((line) => `  │ ${line}`)].join('\n');
}
