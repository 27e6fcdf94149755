import type { FluxEvent } from '@weir/events';
import { isError, isProgressing, reasonInWords } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/**
 * PagerDuty: a failure triggers an incident of the object, anything else resolves it and makes a change event.
 * Format: PagerDuty's "Events API v2".
 */
export const pagerduty: ProviderType = {
  async send(event, target, io) {
    if (isProgressing(event)) return;
    const alert = {
      routing_key: target.channel ?? '',
      event_action: isError(event) ? 'trigger' : 'resolve',
      dedup_key: event.involvedObject.uid,
      ...(isError(event) ? { payload: incident(event) } : {}),
    };
    await postJson(io, new URL('/v2/enqueue', target.address).href, alert);
    if (isError(event)) return;
    const change = { routing_key: target.channel ?? '', payload: changed(event) };
    await postJson(io, new URL('/v2/change/enqueue', target.address).href, change);
  },
};

function incident(event: FluxEvent) {
  const { kind, name } = event.involvedObject;
  const { timestamp } = event;
  return { ...common(event), severity: 'error', timestamp, component: name, group: kind };
}

function changed(event: FluxEvent) {
  return { ...common(event), timestamp: event.timestamp };
}

function common(event: FluxEvent) {
  const { kind, name } = event.involvedObject;
  return {
    summary: `${reasonInWords(event)}: ${kind.toLowerCase()}/${name}`,
    source: `Flux ${event.reportingController}`,
    custom_details: { message: event.message, metadata: event.metadata ?? {} },
  };
}
