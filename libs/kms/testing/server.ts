// Key management services as their documentation describes them, in one local server: AWS KMS and STS, Google Cloud KMS,
// Azure Key Vault, and OpenBao's transit engine with its Kubernetes login. What proves who asks is checked.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, listen } from '@weir/cluster';
import { type AwsUser, checkSignature } from './aws-signature.ts';

export interface KmsServer extends Listening {
  /** Users of AWS by their access key id. */
  users: Map<string, AwsUser>;
  /** Keys that a role gives, by its ARN. */
  roles: Map<string, AwsUser & { accessKeyId: string }>;
  /** Bearer tokens of Google and Azure, and tokens of Vault. */
  tokens: Set<string>;
  /** Whether a token is good that isn't among those. */
  accepts?: ((token: string) => boolean) | undefined;
  /** The token of Vault for a role and a token of Kubernetes; undefined for those that may not log in. */
  login?: ((role: string, jwt: string) => Promise<string | undefined>) | undefined;
  /** The requests so far: the service, and the key or the role. */
  asked: string[];
  /** Keys that nobody may use. */
  forbidden: Set<string>;
  /** Answers requests for which it returns true. */
  intercept?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

type Answer = [status: number, body: object | string];

/** A wrapped data key as these services make it: its name and the unencrypted key, in base64. */
export function wrap(
  name: string,
  key: string | Uint8Array,
  encoding: 'base64' | 'base64url' = 'base64',
) {
  return Buffer.concat([Buffer.from(`${name}\n`), Buffer.from(key)]).toString(encoding);
}

function unwrap(text: string, name: string, encoding: 'base64' | 'base64url'): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  const begin = Buffer.from(`${name}\n`);
  return bytes.subarray(0, begin.length).equals(begin) ? bytes.subarray(begin.length) : undefined;
}

export async function startKmsServer(): Promise<KmsServer> {
  const listening = await listen(async (request, response) => {
    if (server.intercept?.(request, response)) return;
    let text = '';
    for await (const chunk of request) text += chunk;
    const [status, body] = await answer(request, text);
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });

  function answer(request: IncomingMessage, text: string): Answer | Promise<Answer> {
    const { pathname: path } = new URL(request.url ?? '/', listening.url);
    const gcp = /^\/v1\/(projects\/.*):decrypt$/.exec(path)?.[1];
    if (request.method === 'PUT') return vault(path, request, JSON.parse(text));
    if (request.method !== 'POST') return [405, {}];
    if (gcp !== undefined) return google(gcp, request, JSON.parse(text));
    if (path.startsWith('/keys/')) return azure(path, request, JSON.parse(text));
    if (request.headers['x-amz-target'] === 'TrentService.Decrypt') return aws(request, text);
    return sts(request, text);
  }

  function aws(request: IncomingMessage, text: string): Answer {
    const body = JSON.parse(text) as Record<string, string> & { EncryptionContext: object };
    const name = body.KeyId ?? '';
    server.asked.push(`aws ${name} ${JSON.stringify(body.EncryptionContext)}`);
    const refused = checkSignature(request, text, server.users, { service: 'kms' });
    if (refused !== undefined) return [400, { __type: refused, message: text }];
    if (server.forbidden.has(name)) {
      const message = `User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: ${name}`;
      return [400, { __type: 'AccessDeniedException', message }];
    }
    const key = unwrap(body.CiphertextBlob ?? '', name, 'base64');
    if (key === undefined) return [400, { __type: 'InvalidCiphertextException' }];
    return [200, { KeyId: name, Plaintext: key.toString('base64') }];
  }

  function sts(request: IncomingMessage, text: string): Answer {
    const form = new URLSearchParams(text);
    const role = form.get('RoleArn') ?? '';
    server.asked.push(`sts ${role}`);
    const refused = checkSignature(request, text, server.users, { service: 'sts' });
    const keys = server.roles.get(role);
    if (refused !== undefined || keys === undefined || form.get('Action') !== 'AssumeRole') {
      const error = `<Error><Code>${refused ?? 'AccessDenied'}</Code><Message>${text}</Message></Error>`;
      return [403, `<ErrorResponse>${error}</ErrorResponse>`];
    }
    const { accessKeyId, secretAccessKey, sessionToken = '' } = keys;
    const found = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken>`;
    return [200, `<AssumeRoleResponse><Credentials>${found}</Credentials></AssumeRoleResponse>`];
  }

  function google(
    name: string,
    { headers }: IncomingMessage,
    body: { ciphertext: string },
  ): Answer {
    server.asked.push(`gcp ${name}`);
    const fail = (code: number, status: string): Answer => [
      code,
      { error: { code, status, message: `no ${headers.authorization}` } },
    ];
    if (!isKnown(headers.authorization)) return fail(401, 'UNAUTHENTICATED');
    if (server.forbidden.has(name)) return fail(403, 'PERMISSION_DENIED');
    const key = unwrap(body.ciphertext, name, 'base64');
    return key ? [200, { plaintext: key.toString('base64') }] : fail(400, 'INVALID_ARGUMENT');
  }

  function azure(path: string, { headers }: IncomingMessage, body: Record<string, string>): Answer {
    const [, , name = '', version = ''] = path.split('/');
    server.asked.push(`azure ${name}/${version}`);
    const fail = (status: number, code: string): Answer => [
      status,
      { error: { code, message: headers.authorization } },
    ];
    if (!isKnown(headers.authorization)) return fail(401, 'Unauthorized');
    if (server.forbidden.has(name)) return fail(403, 'Forbidden');
    const key = body.alg === 'RSA-OAEP-256' && unwrap(body.value ?? '', name, 'base64url');
    return key ? [200, { kid: path, value: key.toString('base64url') }] : fail(400, 'BadParameter');
  }

  async function vault(
    path: string,
    { headers }: IncomingMessage,
    body: Record<string, string>,
  ): Promise<Answer> {
    server.asked.push(`vault ${path}`);
    if (path.endsWith('/login')) {
      const token = await server.login?.(body.role ?? '', body.jwt ?? '');
      if (token === undefined) return [403, { errors: ['permission denied'] }];
      return [200, { auth: { client_token: token } }];
    }
    if (!server.tokens.has(String(headers['x-vault-token']))) return [403, { errors: ['no'] }];
    const key = /^vault:v1:(.*)$/.exec(body.ciphertext ?? '')?.[1];
    return key ? [200, { data: { plaintext: key } }] : [400, { errors: ['invalid ciphertext'] }];
  }

  function isKnown(authorization = ''): boolean {
    const token = authorization.replace(/^Bearer /, '');
    return server.tokens.has(token) || server.accepts?.(token) === true;
  }

  const server: KmsServer = {
    ...listening,
    ...{ users: new Map(), roles: new Map(), tokens: new Set() },
    ...{ asked: [], forbidden: new Set() },
  };
  return server;
}
