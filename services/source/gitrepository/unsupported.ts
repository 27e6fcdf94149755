import { type GitRepository, type UnsupportedRule, unsupportedFields } from '@weir/api';

const rules: UnsupportedRule[] = [
  'spec.verify',
  'spec.include',
  'spec.recurseSubmodules',
  'spec.sparseCheckout',
  'spec.proxySecretRef',
  { path: 'spec.provider', allowed: ['generic'] },
  'spec.serviceAccountName',
];

/** The fields of a GitRepository that ask for what doesn't exist yet. */
export function unsupportedIn(object: GitRepository): string[] {
  const fields = unsupportedFields(object, rules);
  return object.spec.url.startsWith('ssh://') ? [...fields, 'spec.url (ssh://)'] : fields;
}
