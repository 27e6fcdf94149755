import { eventSeconds, metadataEntries, objectTitle } from '../message.ts';
import { basic, bearer, type ProviderType, postJson } from '../provider.ts';

/** Grafana: an annotation with tags. A colon divides a tag's name from its value. Format: Grafana's "Annotations API". */
export const grafana: ProviderType = {
  async send(event, target, io) {
    const { kind, name, namespace } = event.involvedObject;
    const tags = [
      'flux',
      event.reportingController,
      ...metadataEntries(event).map(([key, value]) => `${key}: ${value.replaceAll(':', '|')}`),
      `kind: ${kind}`,
      `name: ${name}`,
      `namespace: ${namespace}`,
    ];
    const { token, username, password } = target;
    const headers = !token && username && password ? basic(username, password) : bearer(token);
    const annotation = { when: eventSeconds(event), text: objectTitle(event), tags };
    await postJson(io, target.address, annotation, headers);
  },
};
