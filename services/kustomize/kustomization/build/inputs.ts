// The inputs of a build besides the artifact and the spec: the ConfigMaps and Secrets that the spec names.
import type { Kustomization } from '@weir/api';
import type { Substitution } from '@weir/render';
import type { Credentials } from '../decryption/credentials.ts';
import type { KeyedDigest } from '../last-build/keyed-digest.ts';

export interface Inputs {
  substitute: Substitution | undefined;
  credentials: Credentials | undefined;
}

/** A digest of the variables and keys, the same for equal ones in any order. */
export function inputsDigest(digest: KeyedDigest, { substitute, credentials }: Inputs): string {
  const { vars, strict, always } = substitute ?? {};
  const sorted = vars && Object.entries(vars).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest([sorted, strict, always, credentials]);
}

/** `<kind>/<namespace>/<name>` of the ConfigMaps and Secrets that a Kustomization takes variables and keys from. */
export function inputSources({ metadata, spec }: Kustomization): string[] {
  const { secretRef } = spec.decryption ?? {};
  return [
    ...(spec.postBuild?.substituteFrom ?? []),
    ...(secretRef ? [{ kind: 'Secret', name: secretRef.name }] : []),
  ].map(({ kind, name }) => `${kind}/${metadata.namespace}/${name}`);
}
