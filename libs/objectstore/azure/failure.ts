// Interprets errors of Azure Blob Storage ("Status and error codes", "Blob service error codes").
import type { IncomingMessage } from 'node:http';
import { ObjectStoreError, quoted } from '../errors.ts';
import { notAnObjectStore, textOf } from '../request.ts';
import { elementOf } from '../xml.ts';

const CODE = /^[A-Za-z]{1,64}$/;

/** The error of an answer. */
export async function failureOf(
  answer: IncomingMessage,
  signal: AbortSignal,
): Promise<ObjectStoreError> {
  const { statusCode: status, headers } = answer;
  const text = await textOf(answer, signal);
  const code = String(headers['x-ms-error-code'] ?? elementOf(text, 'Code')?.text ?? '');
  if (!CODE.test(code)) return notAnObjectStore(status, 'Azure Blob Storage');
  if (code === 'ContainerNotFound') {
    return new ObjectStoreError('BucketMissing', 'The specified container does not exist.');
  }
  if (code === 'BlobNotFound') {
    return new ObjectStoreError('ObjectMissing', 'The specified blob does not exist.');
  }
  if (code === 'ConditionNotMet') {
    return new ObjectStoreError('ObjectChanged', 'the object is another one by now');
  }
  // The lines after the first one have the id and the time of the request, and so differ each time.
  const [first = ''] = (elementOf(text, 'Message')?.text ?? '').split('\n');
  const message = first === '' ? code : `${code}: ${quoted(first)}`;
  return new ObjectStoreError('Refused', `${hint(code)}${message}`);
}

/** Flux's hint about a container that doesn't exist, which a token for one container can't distinguish. */
function hint(code: string): string {
  if (code !== 'AuthenticationFailed') return '';
  return 'the specified bucket name may be incorrect, nonexistent, or the caller might lack sufficient permissions to access it: ';
}
