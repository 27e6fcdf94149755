// What asks for clouds, which don't exist yet, is refused by name in every kind that has such fields.
import { throws } from 'node:assert/strict';
import { test } from 'node:test';
import { refuseUnsupported } from '@weir/reconcile';
import { UNSUPPORTED } from './bucket/unsupported.ts';

test('a Bucket of a cloud is refused, one of no cloud is not', () => {
  const metadata = { name: 'app' };
  const object = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'Bucket', metadata };
  const check = (spec: object) => refuseUnsupported({ ...object, spec }, UNSUPPORTED);
  check({});
  check({ provider: 'generic' });
  const message = /spec\.provider.* not supported yet/;
  throws(() => check({ provider: 'aws' }), {
    ...{ reason: 'UnsupportedField', stalled: true, message },
  });
  const both = /spec\.provider, spec\.serviceAccountName are not supported yet/;
  throws(() => check({ provider: 'aws', serviceAccountName: 'cloud' }), { message: both });
});
