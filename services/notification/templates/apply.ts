import type { Alert, Provider } from '@weir/api';
import { eventMessage, type FluxEvent, type InvolvedObject } from '@weir/events';
import { RenderError, type RenderPool } from '@weir/render';
import { isForOneObject } from '../grouping/settings.ts';
import type { TitledEvent } from '../providers/message.ts';
import type { Commit, ReadCommit } from './commit.ts';
import type { ObjectFacts, ReadFacts } from './facts.ts';

/** Facts about a group of failures, for templates. */
export interface GroupFacts {
  state: 'failing' | 'over';
  count: number;
  /** The first objects that fail: `namespace/name`. */
  names: readonly string[];
  /** RFC 3339. */
  since: string;
}

export interface Wording {
  alert: Alert;
  provider: Provider;
  event: FluxEvent;
  group: GroupFacts | undefined;
  signal: AbortSignal;
}

/**
 * Replaces title and text of the event by those of its alert's `spec.template`. A template that can't be used is
 * reported, and the event stays as it is. Rejects when the API server or NATS is away, and when `signal` aborts.
 */
export type ApplyTemplate = (wording: Wording) => Promise<TitledEvent>;

const MAX_TITLE = 256;

export function createApplyTemplate(work: {
  pool: Pick<RenderPool, 'alertTexts'>;
  readFacts: ReadFacts;
  readCommit: ReadCommit;
  failed(alert: Alert, why: string): void;
}): ApplyTemplate {
  return async ({ alert, provider, event, group, signal }) => {
    const { title, body } = alert.spec.template ?? {};
    const given = { ...(title ? { title } : {}), ...(body ? { body } : {}) };
    const names = Object.keys(given) as ('title' | 'body')[];
    if (names.length === 0 || isForOneObject(provider)) return event;
    const templates = names.map((name) => ({ name, text: given[name] ?? '' }));
    const data = await valuesFor(alert, event, group, templates);
    const tenant = alert.metadata.namespace ?? '';
    try {
      const texts = await work.pool.alertTexts({ templates, data }, { tenant, signal });
      const made = Object.fromEntries(names.map((name, index) => [name, texts[index]?.trim()]));
      return {
        ...event,
        // Texts from labels and commits are bounded and masked like those of events.
        ...(made.title ? { title: eventMessage(firstLine(made.title), MAX_TITLE) } : {}),
        ...(made.body ? { message: eventMessage(made.body) } : {}),
      };
    } catch (error) {
      if (!(error instanceof RenderError) || signal.aborted) throw error;
      work.failed(alert, error.message);
      return event;
    }
  };

  async function valuesFor(
    alert: Alert,
    event: FluxEvent,
    group: GroupFacts | undefined,
    templates: readonly { text: string }[],
  ) {
    const asksFor = (field: string) => templates.some(({ text }) => text.includes(field));
    const { namespace = '', name } = alert.metadata;
    const isOwn = event.involvedObject.namespace === namespace;
    // What only the tenant of an object may read is not available to alerts of other namespaces.
    const reads = isOwn && (asksFor('Object') || asksFor('Commit'));
    const facts: ObjectFacts = (reads && (await work.readFacts(event.involvedObject))) || NO_FACTS;
    const revision = event.metadata?.revision ?? '';
    const commit =
      isOwn && asksFor('Commit') ? await work.readCommit(facts, namespace, revision) : undefined;
    return {
      event: eventValues(event),
      object: { labels: facts.labels, annotations: facts.annotations },
      commit: { ...commitOf(revision), ...commit },
      alert: { namespace, name },
      group: group ?? { state: '', count: 1, names: [], since: '' },
    };
  }
}

const NO_FACTS: ObjectFacts = { labels: {}, annotations: {} };

function eventValues({ involvedObject, metadata = {}, ...event }: FluxEvent) {
  const { apiVersion, kind, namespace, name, uid }: InvolvedObject = involvedObject;
  const { severity, reason, message, timestamp, reportingController } = event;
  const controller = reportingController;
  return {
    ...{ apiVersion, kind, namespace, name, uid, metadata },
    ...{ severity, reason, message, timestamp, controller },
  };
}

/** `main@sha1:<commit>`, the form of a revision in Flux. */
function commitOf(revision: string): Commit & { revision: string } {
  const sha = /[@^]sha(?:1|256):([0-9a-f]{40,64})$/.exec(revision)?.[1] ?? '';
  return { revision, sha, subject: '', author: '' };
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line;
}
