// Every type of Receiver.
import type { ReceiverSpec } from '@weir/api';
import { cdevents } from './cdevents.ts';
import { keepKeys } from './issuers.ts';
import { gcr, genericOidc } from './oidc.ts';
import type { Verify } from './request.ts';
import { bitbucket, genericHmac, github, nexus } from './signatures.ts';
import { acr, dockerhub, generic, gitlab, harbor, quay } from './tokens.ts';

/** How the calls of each type are checked. */
export type VerifyTypes = Readonly<Record<ReceiverSpec['type'], Verify>>;

export function createVerify(): VerifyTypes {
  const keysOf = keepKeys();
  return {
    acr,
    bitbucket,
    cdevents,
    dockerhub,
    gcr: gcr(keysOf),
    generic,
    'generic-hmac': genericHmac,
    'generic-oidc': genericOidc(keysOf),
    github,
    gitlab,
    harbor,
    nexus,
    quay,
  };
}
