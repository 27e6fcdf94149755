// The field by which signatures of artifacts in a registry are required: for OCIRepositories and charts.
import { choice, list, localReference, object, optional, text } from '../schema/schema.ts';

export const chartVerificationFields = {
  provider: choice(['cosign', 'notation'], 'The tool that signatures are made with.', {
    default: 'cosign',
  }),
  secretRef: optional(
    localReference(
      'The Secret with what is trusted. cosign: public keys, under names that end with `.pub`; without a Secret, signatures without keys are verified. notation: `trustpolicy.json` and certificates.',
      'Secret',
    ),
  ),
  matchOIDCIdentity: optional(
    list(
      object(
        {
          issuer: text('Regular expression for the address of the identity provider.'),
          subject: text('Regular expression for the identity.'),
        },
        'One identity.',
      ),
      'Who may have signed without a key: one of them must match.',
    ),
  ),
};

export const trustedRoot = {
  trustedRootSecretRef: optional(
    localReference(
      'The Secret with `trusted_root.json`, which says what of Sigstore is trusted; its public instance if not set.',
      'Secret',
    ),
  ),
};

/** For OCIRepositories. */
export function ociVerification(description: string) {
  return object({ ...chartVerificationFields, ...trustedRoot }, description);
}

/** For HelmCharts, which can't name a trusted root of their own. */
export function chartVerification(description: string) {
  return object(chartVerificationFields, description);
}
