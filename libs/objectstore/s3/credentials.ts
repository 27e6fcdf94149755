// The credentials for a bucket: access keys, none, or temporary keys that a token service returns for a login.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { AnswerTooLarge, type ConnectionOptions, keepConnections, readBounded } from '@weir/net';
import { elementText } from '@weir/net/xml';
import { ObjectStoreError, quoted } from '../errors.ts';

export interface AccessKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** A login of a directory (LDAP), for which MinIO's token service returns keys. */
export interface LdapLogin {
  /** URL of the token service, http or https. */
  endpoint: string;
  username: string;
  password: string;
  /** How to connect to it. */
  connection: ConnectionOptions;
}

/** Keys that expire. */
export interface TemporaryKeys extends AccessKeys {
  expiration?: Date;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const TIMEOUT_MS = 30_000;

/**
 * Requests keys with AssumeRoleWithLDAPIdentity (MinIO, "Security Token Service"). Redirects are not followed.
 * @throws ObjectStoreError Unreachable, InvalidAnswer; Refused with the service's message
 */
export async function assumeRoleWithLdap(login: LdapLogin): Promise<TemporaryKeys> {
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithLDAPIdentity',
    Version: '2011-06-15',
    LDAPUsername: login.username,
    LDAPPassword: login.password,
  });
  const { status, text } = await post(login, form.toString());
  if (status !== 200) {
    const message = elementText(text, 'Message');
    const why = message === undefined ? `HTTP status ${status}` : quoted(message);
    throw new ObjectStoreError('Refused', `the STS endpoint gave no credentials: ${why}`);
  }
  const accessKeyId = elementText(text, 'AccessKeyId');
  const secretAccessKey = elementText(text, 'SecretAccessKey');
  const sessionToken = elementText(text, 'SessionToken');
  const expiration = new Date(elementText(text, 'Expiration') ?? Number.NaN);
  if (!accessKeyId || !secretAccessKey) {
    const what = 'the answer of the STS endpoint has no credentials: is it a token service?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    ...(Number.isNaN(expiration.getTime()) ? {} : { expiration }),
  };
}

async function post(
  { endpoint, connection }: LdapLogin,
  body: string,
): Promise<{ status: number; text: string }> {
  const connections = keepConnections(connection);
  try {
    const request = await connections.open(new URL(endpoint), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answer = await readBounded(response, MAX_ANSWER_BYTES);
    return { status: response.statusCode ?? 0, text: answer.toString('utf8') };
  } catch (cause) {
    if (cause instanceof AnswerTooLarge) {
      const message = 'the answer of the STS endpoint is too long';
      throw new ObjectStoreError('InvalidAnswer', message, cause);
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ObjectStoreError('Unreachable', `the STS endpoint can't be asked: ${why}`, cause);
  } finally {
    connections.close();
  }
}
