import { isError, isProgressing, objectTitle, requiredToken } from '../message.ts';
import { bearer, type ProviderType, postJson } from '../provider.ts';

/** incident.io: an alert of the object, which anything but a failure resolves. Format: incident.io's "HTTP alert source". */
export const incidentio: ProviderType = {
  async send(event, target, io) {
    if (isProgressing(event)) return;
    const { reason, severity, reportingController } = event;
    const alert = {
      title: `${objectTitle(event)}: ${reason}`,
      status: isError(event) ? 'firing' : 'resolved',
      deduplication_key: event.involvedObject.uid,
      description: event.message,
      metadata: { ...event.metadata, severity, reason, reportingController },
    };
    await postJson(io, target.address, alert, bearer(requiredToken(target)));
  },
};
