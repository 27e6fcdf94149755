import { type Alert, type Provider, type ProviderSpec, parseDuration } from '@weir/api';

/** How an Alert groups failures. Times in ms. */
export interface Grouping {
  /** How long failures are collected before the first message. */
  windowMs: number;
  /** How often a lasting failure is sent again; undefined for never. */
  reminderMs: number | undefined;
}

const DEFAULT_WINDOW_MS = 30_000;
const MAX_WINDOW_MS = 10 * 60_000;
const DEFAULT_REMINDER_MS = 4 * 60 * 60_000;
const MIN_REMINDER_MS = 60_000;
/** The longest reminder interval, within the range of a timer. */
const MAX_REMINDER_MS = 7 * 24 * 60 * 60_000;

type Type = ProviderSpec['type'];

/** Types that people read: only for these does `--default-grouping` change an Alert without `spec.grouping`. */
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

/** Whether a message is the status or the comment of one object: groups and templates don't apply to these. */
export function isForOneObject({ spec }: Provider): boolean {
  return FOR_ONE_OBJECT.has(spec.type);
}

/**
 * How the alert groups its failures; undefined if it doesn't, as in Flux. `defaultWindowMs` is for chats whose alert
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
