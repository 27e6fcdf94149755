// AWS KMS (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html).
import type { JsonAnswer } from '@weir/net';
import { type AwsKeys, sign } from '@weir/net/aws-signature';
import { ask, isBusy, type KmsOptions, keyOf, wordOf } from '../ask.ts';
import { KmsError } from '../errors.ts';
import { awsKeyRegion, regionalUrl } from './region.ts';

export interface AwsKey {
  arn: string;
  /** The encryption context: it has to be the one that the data was encrypted with. */
  context?: Readonly<Record<string, string>> | undefined;
}

export interface AwsOptions extends KmsOptions {
  /** URL of the service; by default AWS' own for the region. */
  endpoint?: string | undefined;
}

/** The longest ciphertext that AWS KMS accepts, in bytes. */
const MAX_CIPHERTEXT = 6144;
/** The longest encryption context that AWS accepts, in bytes of all its pairs. */
const MAX_CONTEXT = 8192;

/**
 * Decrypts what was encrypted with the key.
 * @param ciphertext base64
 * @throws KmsError
 */
export async function awsDecrypt(
  { arn, context = {} }: AwsKey,
  ciphertext: string,
  keys: AwsKeys,
  { endpoint, ...options }: AwsOptions,
): Promise<Buffer> {
  const region = awsKeyRegion(arn);
  const url = endpoint === undefined ? regionalUrl('kms', region) : new URL(endpoint);
  const service = `AWS KMS at ${url.host}`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(ciphertext) || ciphertext.length > MAX_CIPHERTEXT * 1.4) {
    throw new KmsError('the wrapped key is not base64, or too long');
  }
  if (JSON.stringify(context).length > MAX_CONTEXT) {
    throw new KmsError('the encryption context is too long');
  }
  const body = { CiphertextBlob: ciphertext, KeyId: arn, EncryptionContext: context };
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'TrentService.Decrypt',
  };
  const unsigned = { method: 'POST', url, headers, body: JSON.stringify(body) } as const;
  const answer = await ask(
    {
      ...{ service, method: 'POST', url, body, isPassing },
      headers: () => sign(unsigned, keys, { service: 'kms', region }),
    },
    options,
  );
  if (answer.status === 200) return keyOf(Object(answer.body).Plaintext, service);
  const code = codeOf(answer);
  throw new KmsError(`${service} answered ${answer.status}${wordOf(code)}${ADVICE[code] ?? ''}`);
}

function isPassing(answer: JsonAnswer): boolean {
  return isBusy(answer) || /^(Throttling|LimitExceeded|DependencyTimeout)/.test(codeOf(answer));
}

/** The error code, such as `AccessDeniedException`; some answers put a namespace before it. */
function codeOf({ body, headers }: JsonAnswer): string {
  const type = Object(body).__type ?? headers['x-amzn-errortype'];
  return typeof type === 'string' ? type.replace(/^.*#/, '').replace(/:.*$/, '') : '';
}

const ADVICE: Readonly<Record<string, string>> = {
  AccessDeniedException: ': the identity may not use that key (kms:Decrypt)',
  DisabledException: ': that key is disabled',
  ExpiredTokenException: ': the keys have expired',
  IncorrectKeyException: ': another key encrypted it',
  InvalidCiphertextException: ': it can not decrypt this with that key and context',
  InvalidSignatureException: ': the secret access key is wrong',
  KMSInvalidStateException: ': that key is about to be deleted',
  NotFoundException: ': there is no such key',
  UnrecognizedClientException: ': the access key is not known',
};
