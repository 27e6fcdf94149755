import { isError, metadataEntries } from '../message.ts';
import { basic, bearer, type ProviderType, postJson } from '../provider.ts';

/** Alertmanager's word for an alert that has no end. */
const NO_END = '0001-01-01T00:00:00Z';

/** Prometheus' Alertmanager: one firing alert, its labels the metadata. Format: Alertmanager's API v2, "postAlerts". */
export const alertmanager: ProviderType = {
  async send(event, target, io) {
    const { kind, name, namespace } = event.involvedObject;
    const { summary, ...metadata } = Object.fromEntries(metadataEntries(event));
    const labels = {
      ...metadata,
      alertname: `Flux${kind}${capitalized(event.reason)}`,
      severity: isError(event) ? 'error' : 'info',
      reason: event.reason,
      kind,
      name,
      namespace,
      reportingcontroller: event.reportingController,
    };
    const annotations = { message: event.message, ...(summary ? { summary } : {}) };
    const alert = { status: 'firing', labels, annotations };
    const { username, password } = target;
    const headers = username && password ? basic(username, password) : bearer(target.token);
    const times = { startsAt: event.timestamp, endsAt: NO_END };
    await postJson(io, target.address, [{ ...alert, ...times }], headers);
  },
};

/** `HealthCheckFailed` as Flux' alerts are named: `Healthcheckfailed`. */
function capitalized(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1).toLowerCase();
}
