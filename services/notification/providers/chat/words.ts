// The words that Weir adds to messages, by `spec.locale` of the Provider. What controllers say stays as it is.
import type { Locale } from '@weir/api';
import type { State } from './progress.ts';

export interface Words {
  state: Record<State, string>;
  /** A failure is over. */
  recovered: string;
  failures(count: number): string;
  more: string;
  /** Names of metadata that have one; others are shown as they are. */
  facts: Readonly<Record<string, string>>;
}

const WORDS: Readonly<Record<Locale, Words>> = {
  en: {
    state: { progressing: 'in progress', failed: 'failed', done: 'done' },
    recovered: 'recovered',
    failures: (count) => `failed ${count} times`,
    more: 'More is in the thread.',
    facts: {},
  },
  zh: {
    state: { progressing: '进行中', failed: '失败', done: '完成' },
    recovered: '已恢复',
    failures: (count) => `已失败 ${count} 次`,
    more: '更多内容见话题回复。',
    facts: {
      revision: '版本',
      originRevision: '源版本',
      summary: '摘要',
      cluster: '集群',
      env: '环境',
    },
  },
};

export function wordsOf(locale: Locale = 'en'): Words {
  return WORDS[locale];
}

export const SIGNS: Readonly<Record<State, string>> = {
  progressing: '🟡',
  failed: '🔴',
  done: '🟢',
};
