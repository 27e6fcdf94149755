import { eventSeconds, isError, metadataEntries, requiredToken } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Datadog: an event with tags, which are lower case there. Format: Datadog's "Post an event" (v1). */
export const datadog: ProviderType = {
  // The text of an event has 4,000 characters.
  textLimit: { characters: 3_800 },
  async send(event, target, io) {
    const { kind, name, namespace } = event.involvedObject;
    const tags = [
      `flux_reporting_controller:${event.reportingController}`,
      `flux_reason:${event.reason}`,
      `kube_kind:${kind}`,
      `kube_name:${name}`,
      `kube_namespace:${namespace}`,
      ...metadataEntries(event).map(([key, value]) => `${key}:${value}`),
    ];
    const url = new URL(target.address);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/events`;
    const body = {
      title: `Events from the ${kind} ${name}/${namespace}`,
      text: event.message,
      alert_type: isError(event) ? 'error' : 'info',
      date_happened: eventSeconds(event),
      source_type_name: 'fluxcd',
      tags: tags.map((tag) => tag.toLowerCase()),
    };
    await postJson(io, url.href, body, { 'dd-api-key': requiredToken(target) });
  },
};
