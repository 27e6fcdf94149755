// Google Cloud KMS (https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/decrypt).
import { ask, type KmsOptions, keyOf, wordOf } from './ask.ts';
import { KmsError } from './errors.ts';

export interface GcpOptions extends KmsOptions {
  /** URL of the service; Google's own by default. */
  endpoint?: string | undefined;
}

/** The scope of the tokens for Google Cloud KMS. */
export const GCP_KMS_SCOPE = 'https://www.googleapis.com/auth/cloudkms';

const ENDPOINT = 'https://cloudkms.googleapis.com';
const PART = '[A-Za-z0-9_.:-]{1,200}';
const KEY = new RegExp(`^projects/${PART}/locations/${PART}/keyRings/${PART}/cryptoKeys/${PART}$`);
/** In characters of base64. Google accepts 64 KiB of plain text, which is somewhat longer encrypted. */
const MAX_CIPHERTEXT = 100_000;

/**
 * Decrypts what was encrypted with the key.
 * @param name `projects/<id>/locations/<name>/keyRings/<name>/cryptoKeys/<name>`
 * @param ciphertext base64
 * @throws KmsError
 */
export async function gcpDecrypt(
  name: string,
  ciphertext: string,
  token: string,
  { endpoint = ENDPOINT, ...options }: GcpOptions,
): Promise<Buffer> {
  if (!KEY.test(name) || /\/\.+(\/|$)/.test(name)) {
    throw new KmsError('the name of the key is no resource of Google Cloud KMS');
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(ciphertext) || ciphertext.length > MAX_CIPHERTEXT) {
    throw new KmsError('the wrapped key is not base64, or too long');
  }
  const url = new URL(`${endpoint.replace(/\/+$/, '')}/v1/${name}:decrypt`);
  const service = `GCP KMS at ${url.host}`;
  const headers = async () => ({ authorization: `Bearer ${token}` });
  const answer = await ask(
    { ...{ service, method: 'POST', url, headers, body: { ciphertext } } },
    options,
  );
  if (answer.status === 200) return keyOf(Object(answer.body).plaintext, service);
  const { status } = Object(Object(answer.body).error);
  const advice = ADVICE[answer.status] ?? '';
  throw new KmsError(`${service} answered ${answer.status}${wordOf(status)}${advice}`);
}

const ADVICE: Readonly<Record<number, string>> = {
  400: ': it can not decrypt this with that key',
  401: ': the token is not valid',
  403: ': the identity may not use that key (cloudkms.cryptoKeyVersions.useToDecrypt), or there is none',
  404: ': there is no such key',
};
