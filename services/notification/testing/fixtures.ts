import { Alert, type AlertSpec, Provider } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import type { Target } from '../providers/target.ts';

/** An alert on every Kustomization of `flux-system`, changed by `spec`. */
export function alertOf(spec: Partial<AlertSpec> = {}): Alert {
  return {
    apiVersion: Alert.apiVersion,
    kind: 'Alert',
    metadata: { name: 'chat', namespace: 'flux-system', uid: 'alert-uid' },
    spec: {
      providerRef: { name: 'chat' },
      eventSeverity: 'info',
      eventSources: [{ kind: 'Kustomization', name: '*' }],
      ...spec,
    },
  };
}

/** What kustomize publishes after it applied `flux-system/apps`, changed by the arguments. */
export function eventOf(
  object: Partial<FluxEvent['involvedObject']> = {},
  event: Partial<FluxEvent> = {},
): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: 'flux-system',
      name: 'apps',
      uid: 'b7b5a9f4',
      ...object,
    },
    severity: 'info',
    timestamp: '2026-01-02T03:04:05Z',
    message: 'Deployment/apps/web configured',
    reason: 'ReconciliationSucceeded',
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:c0ffee' },
    reportingController: 'kustomize-controller',
    reportingInstance: 'kustomize-0',
    ...event,
  };
}

/** What a Provider `chat` of type `generic` and its Secrets say, changed by the argument. */
export function targetOf(more: Partial<Target> = {}): Target {
  const metadata = { name: 'chat', namespace: 'flux-system', uid: '0123abcd-provider' };
  const spec = { type: 'generic' as const };
  const object = { apiVersion: Provider.apiVersion, kind: 'Provider', metadata, spec };
  return {
    namespace: 'flux-system',
    provider: { uid: metadata.uid, object },
    address: 'http://127.0.0.1/hook',
    headers: {},
    ...more,
  };
}
