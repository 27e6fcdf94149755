// What asks for clouds, which don't exist yet, is refused by name in every kind that has such fields.
import { throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { UnsupportedRule } from '@weir/api';
import { refuseUnsupported } from '@weir/reconcile';
import { UNSUPPORTED as BUCKET } from './bucket/unsupported.ts';
import { UNSUPPORTED as HELM_REPOSITORY } from './helmrepository/unsupported.ts';
import { UNSUPPORTED as OCI_REPOSITORY } from './ocirepository/unsupported.ts';

const KINDS: [kind: string, rules: readonly UnsupportedRule[]][] = [
  ['Bucket', BUCKET],
  ['HelmRepository', HELM_REPOSITORY],
  ['OCIRepository', OCI_REPOSITORY],
];

for (const [kind, rules] of KINDS) {
  test(`a ${kind} of a cloud is refused, one of no cloud is not`, () => {
    const object = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind, metadata: { name: 'app' } };
    const check = (spec: object) => refuseUnsupported({ ...object, spec }, rules);
    check({});
    check({ provider: 'generic' });
    const message = /spec\.provider.* not supported yet/;
    const refused = { reason: 'UnsupportedField', stalled: true, message };
    throws(() => check({ provider: 'aws' }), refused);
    if (kind !== 'Bucket') return;
    const both = /spec\.provider, spec\.serviceAccountName are not supported yet/;
    throws(() => check({ provider: 'aws', serviceAccountName: 'cloud' }), { message: both });
  });
}
