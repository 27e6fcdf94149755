import { type Alert, type Provider, type ProviderSpec, parseDuration } from '@weir/api';

/** How an Alert groups failures. Times in ms. */
export interface Grouping {
  /** How long failures are collected before they are one message. */
  windowMs: number;
  /** How often what goes on is sent again; undefined for never. */
  reminderMs: number | undefined;
}

const DEFAULT_WINDOW_MS = 30_000;
const MAX_WINDOW_MS = 10 * 60_000;
const DEFAULT_REMINDER_MS = 4 * 60 * 60_000;
const MIN_REMINDER_MS = 60_000;
/** Beyond what a timer can wait for, with room to spare. */
const MAX_REMINDER_MS = 7 * 24 * 60 * 60_000;

type Type = ProviderSpec['type'];

/** What people read: only there `--default-grouping` changes what an Alert without `spec.grouping` does. */
const CHATS: ReadonlySet<Type> = new Set<Type>([
  ...(['discord', 'googlechat', 'lark', 'mastodon', 'matrix', 'msteams', 'rocket'] as const),
  ...(['slack', 'telegram', 'webex', 'zoom', 'zulip'] as const),
]);

/** Statuses and comments belong to one object each. */
const FOR_ONE_OBJECT: ReadonlySet<Type> = new Set<Type>([
  ...(['azuredevops', 'bitbucket', 'bitbucketserver', 'gitea', 'github', 'gitlab'] as const),
  ...(['giteapullrequestcomment', 'githubdispatch', 'githubpullrequestcomment'] as const),
  'gitlabmergerequestcomment',
]);

/** Whether a message is the status or the comment of one object: neither groups nor templates have a meaning there. */
export function isForOneObject({ spec }: Provider): boolean {
  return FOR_ONE_OBJECT.has(spec.type);
}

/**
 * How the alert groups its failures; undefined where it doesn't, as in Flux. `defaultWindowMs` is for chats whose alert
 * has no `spec.grouping`, 0 for none.
 */
export function groupingOf(
  { spec }: Alert,
  provider: Provider | undefined,
  defaultWindowMs: number,
): Grouping | undefined {
  if (provider === undefined || isForOneObject(provider)) return undefined;
  const { grouping } = spec;
  if (grouping === undefined) {
    if (defaultWindowMs === 0 || !CHATS.has(provider.spec.type)) return undefined;
    return { windowMs: Math.min(defaultWindowMs, MAX_WINDOW_MS), reminderMs: DEFAULT_REMINDER_MS };
  }
  const windowMs = msOf(grouping.window, DEFAULT_WINDOW_MS);
  if (windowMs === 0) return undefined;
  const reminderMs = msOf(grouping.reminder, DEFAULT_REMINDER_MS);
  return {
    windowMs: Math.min(windowMs, MAX_WINDOW_MS),
    reminderMs:
      reminderMs === 0
        ? undefined
        : Math.min(Math.max(reminderMs, MIN_REMINDER_MS), MAX_REMINDER_MS),
  };
}

function msOf(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : parseDuration(text);
}
