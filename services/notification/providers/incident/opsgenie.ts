import { createHash } from 'node:crypto';
import { requiredToken } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Opsgenie: an alert, the same one again for the same object and reason. Format: Opsgenie's "Create alert". */
export const opsgenie: ProviderType = {
  // A description has 15,000 characters, and the details of an alert 8,000.
  textLimit: { characters: 7_500 },
  async send(event, target, io) {
    const { kind, namespace, name } = event.involvedObject;
    const identity = [target.provider.uid, kind, namespace, name, event.reason].join('/');
    const alert = {
      message: `${kind}/${name}`,
      alias: createHash('sha256').update(identity).digest('hex'),
      description: event.message,
      details: { ...event.metadata, severity: event.severity },
    };
    const headers = { authorization: `GenieKey ${requiredToken(target)}` };
    await postJson(io, target.address, alert, headers);
  },
};
