// Credentials of another role (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
import { connectionProblem, OPERATORS_AUTHORITIES, readBounded, sendRequest } from '@weir/net';
import { type AwsKeys, sign } from '@weir/net/aws-signature';
import { elementText } from '@weir/net/xml';
import { wordOf } from '../ask.ts';
import { KmsError } from '../errors.ts';
import type { AwsOptions } from './decrypt.ts';
import { regionalUrl } from './region.ts';

const ROLE = /^arn:aws[\w-]{0,20}:iam::\d{1,20}:role\/[\w/+=,.@-]{1,300}$/;
const SESSION = 'weir-sops';
const CONNECT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Assumes the role with the given credentials, and returns the role's.
 * @throws KmsError
 */
export async function awsAssumeRole(
  { role, region }: { role: string; region: string },
  keys: AwsKeys,
  { endpoint, connections, signal }: AwsOptions,
): Promise<AwsKeys> {
  if (!ROLE.test(role)) throw new KmsError('the role of the key is no ARN of a role');
  const url = endpoint === undefined ? regionalUrl('sts', region) : new URL(endpoint);
  const service = `AWS STS at ${url.host}`;
  const form = { Action: 'AssumeRole', Version: '2011-06-15', RoleArn: role };
  const body = new URLSearchParams({ ...form, RoleSessionName: SESSION }).toString();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  };
  const { status, text } = await send(
    await sign({ method: 'POST', url, headers, body }, keys, { service: 'sts', region }),
  );
  if (status !== 200) {
    throw new KmsError(
      `${service} answered ${status}${wordOf(elementText(text, 'Code'))}: the identity can not take on the role '${role}'`,
    );
  }
  const accessKeyId = keyText(text, 'AccessKeyId');
  const secretAccessKey = keyText(text, 'SecretAccessKey');
  const sessionToken = keyText(text, 'SessionToken');
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, sessionToken };
  throw new KmsError(`${service} gave no keys`);

  async function send(signed: Record<string, string>) {
    try {
      const answer = await sendRequest(connections, {
        ...{ method: 'POST', url, headers: signed, body, signal, connectTimeoutMs: CONNECT_MS },
      });
      const read = await readBounded(answer, MAX_ANSWER_BYTES);
      return { status: answer.statusCode ?? 0, text: read.toString('utf8') };
    } catch (cause) {
      if (signal.aborted) {
        throw new KmsError(`${service} did not answer in time`, { cause, isLate: true });
      }
      throw new KmsError(`${service}: ${connectionProblem(cause, OPERATORS_AUTHORITIES)}`, {
        cause,
      });
    }
  }
}

/** Credentials become part of headers: a text that cannot be part of one counts as missing. */
function keyText(xml: string, name: string): string | undefined {
  const text = elementText(xml, name);
  return text !== undefined && /^[\x21-\x7e]{1,8192}$/.test(text) ? text : undefined;
}
