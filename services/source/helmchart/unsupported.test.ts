import { throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { HelmChart } from '@weir/api';
import { refuseUnsupportedFields } from './unsupported.ts';

function chart(verify: HelmChart['spec']['verify']): HelmChart {
  const sourceRef = { kind: 'HelmRepository' as const, name: 'charts' };
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'HelmChart',
    metadata: { name: 'app', namespace: 'apps' },
    spec: { chart: 'app', interval: '1m', sourceRef, ...(verify && { verify }) },
  };
}

test('what verification cannot do yet is refused by name', () => {
  const secretRef = { name: 'keys' };
  refuseUnsupportedFields(chart(undefined));
  refuseUnsupportedFields(chart({ provider: 'cosign', secretRef }));
  const refused = (verify: HelmChart['spec']['verify'], message: RegExp) =>
    throws(() => refuseUnsupportedFields(chart(verify)), { reason: 'UnsupportedField', message });
  refuseUnsupportedFields(chart({ provider: 'notation', secretRef }));
  refused({ provider: 'cosign' }, /spec\.verify without secretRef/);
  const matchOIDCIdentity = [{ issuer: 'a', subject: 'b' }];
  refused({ provider: 'cosign', matchOIDCIdentity }, /spec\.verify\.matchOIDCIdentity without/);
});
