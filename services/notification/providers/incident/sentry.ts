import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { FluxEvent } from '@weir/events';
import { invalidProvider, isError } from '../message.ts';
import type { ProviderType } from '../provider.ts';

const CLIENT = 'weir/1';

/**
 * Sentry: a failure is an event, anything else a transaction with one span. The channel is the environment.
 * Format: Sentry's "Envelopes", "Event payloads" and "Transaction payloads" (develop.sentry.dev).
 */
export const sentry: ProviderType = {
  async send(event, target, io) {
    const { url, key } = readDsn(target.address);
    const payload = isError(event) ? failure(event) : transaction(event);
    // The same in each attempt, so that a message which arrived twice is one event.
    const id = createHash('md5').update(io.id).digest('hex');
    const environment = target.channel ? { environment: target.channel } : {};
    const lines = [
      { event_id: id, sent_at: new Date().toISOString() },
      { type: isError(event) ? 'event' : 'transaction' },
      { event_id: id, ...environment, ...payload },
    ];
    await io.request({
      url,
      headers: {
        'content-type': 'application/x-sentry-envelope',
        'x-sentry-auth': `Sentry sentry_version=7, sentry_client=${CLIENT}, sentry_key=${key}`,
      },
      body: `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
    });
  },
};

/** `https://<key>@<host>/<path>/<project>`: where its envelopes go. */
function readDsn(dsn: string): { url: string; key: string } {
  const url = new URL(dsn);
  const path = url.pathname.split('/');
  const project = path.pop() ?? '';
  const key = decodeURIComponent(url.username);
  if (!/^\d+$/.test(project) || !/^[A-Za-z0-9_-]{1,100}$/.test(key)) {
    throw invalidProvider('the address is no DSN of Sentry');
  }
  url.username = '';
  url.password = '';
  url.search = '';
  url.pathname = `${path.join('/')}/api/${project}/envelope/`;
  return { url: url.href, key };
}

function failure(event: FluxEvent) {
  return {
    ...common(event),
    level: 'error',
    server_name: event.reportingController,
    contexts: { metadata: event.metadata ?? {} },
  };
}

function transaction(event: FluxEvent) {
  const { kind, namespace, name } = event.involvedObject;
  const tags = {
    ...event.metadata,
    flux_involved_object_kind: kind,
    flux_involved_object_name: name,
    flux_involved_object_namespace: namespace,
    flux_reason: event.reason,
    flux_reporting_controller: event.reportingController,
    flux_reporting_instance: event.reportingInstance,
  };
  const traceId = randomBytes(16).toString('hex');
  const parent = randomBytes(8).toString('hex');
  const times = { start_timestamp: event.timestamp, timestamp: event.timestamp };
  const span = {
    trace_id: traceId,
    parent_span_id: parent,
    span_id: randomBytes(8).toString('hex'),
    op: 'event',
    origin: 'manual',
    ...times,
    tags,
  };
  return {
    ...common(event),
    type: 'transaction',
    level: 'info',
    server_name: hostname(),
    start_timestamp: event.timestamp,
    tags,
    spans: [span],
    contexts: { trace: { trace_id: traceId, span_id: parent } },
  };
}

function common(event: FluxEvent) {
  const { kind, namespace, name } = event.involvedObject;
  return {
    message: event.message,
    platform: 'go',
    timestamp: event.timestamp,
    transaction: `${kind}: ${namespace}/${name}`,
  };
}
