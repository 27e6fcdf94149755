// A bucket of any server that speaks the S3 protocol.
import type { S3Client } from '@aws-sdk/client-s3';
import type { ConnectionOptions } from '@weir/net';
import type { Bucket } from '../bucket.ts';
import { connect } from '../connect.ts';
import {
  type BucketAddress,
  checkBucketName,
  endpointUrl,
  isPathStyle,
  regionOf,
} from './address.ts';
import {
  type AccessKeys,
  assumeRoleWithLdap,
  type LdapLogin,
  type TemporaryKeys,
} from './credentials.ts';
import { createDirectRead, type DirectRead } from './direct.ts';
import { codeOf, expectedRegion, failureOf } from './failure.ts';
import { listPages } from './list.ts';
import { readObject } from './read.ts';
import { createTransport } from './transport.ts';

export interface BucketOptions extends BucketAddress, ConnectionOptions {
  /**
   * Keys, a login for which a token service returns keys, or a function that returns temporary keys. Without them
   * requests aren't signed.
   */
  credentials?: AccessKeys | LdapLogin | (() => Promise<TemporaryKeys>) | undefined;
}

/** What the first call creates. */
interface Opened {
  client: S3Client;
  direct: DirectRead;
}

const DEFAULT_REGION = 'us-east-1';
/** The first request is included. The SDK's pauses double from 100 ms. */
const MAX_ATTEMPTS = 3;

/**
 * Opens a bucket. The first call loads the SDK and sends the first request.
 * @throws ObjectStoreError InvalidConfiguration, InvalidBucketName
 */
export function openBucket(options: BucketOptions): Bucket {
  const { bucket } = options;
  checkBucketName(bucket);
  const endpoint = endpointUrl(options);
  const connections = connect(options);
  const credentials = credentialsOf(options.credentials);
  let opened: Promise<Opened> | undefined;

  async function clientFor(region: string): Promise<S3Client> {
    const { S3Client } = await import('./sdk.ts');
    return new S3Client({
      endpoint: endpoint.origin,
      region,
      forcePathStyle: isPathStyle(endpoint, bucket),
      credentials: credentials ?? { accessKeyId: 'none', secretAccessKey: 'none' },
      ...(credentials === undefined ? { signer: { sign: async (request) => request } } : {}),
      requestHandler: createTransport(connections),
      // No setting of the SDK comes from the environment or from files of this machine.
      defaultsMode: 'standard',
      retryMode: 'standard',
      maxAttempts: MAX_ATTEMPTS,
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      useArnRegion: false,
      disableMultiregionAccessPoints: true,
      disableS3ExpressSessionAuth: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      sigv4aSigningRegionSet: [region],
      authSchemePreference: ['sigv4'],
      userAgentAppId: 'weir',
    });
  }

  async function open(signal: AbortSignal): Promise<Opened> {
    const known = options.region || regionOf(endpoint);
    const region = known ?? (await askRegion(await clientFor(DEFAULT_REGION), bucket, signal));
    const client = await clientFor(region);
    const isPublic = credentials === undefined;
    const direct = await createDirectRead(client, { connections, endpoint, bucket, isPublic });
    return { client, direct };
  }

  /** The client for the bucket's region, which is requested once. */
  async function opening(signal: AbortSignal): Promise<Opened> {
    opened ??= open(signal);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw failureOf(error, signal);
    }
  }

  return {
    async *list(prefix, { signal, limits }) {
      const { client } = await opening(signal);
      yield* listPages(client, { bucket, prefix }, signal, limits);
    },
    async read(key, { signal, etag }) {
      return readObject(await opening(signal), { bucket, key, etag }, signal);
    },
    close: () => connections.close(),
  };
}

/** The SDK asks the function again when the keys that it gave expire. */
function credentialsOf(credentials: BucketOptions['credentials']) {
  if (credentials === undefined) return undefined;
  if (typeof credentials === 'function') return async () => asSdkKeys(await credentials());
  if (!('endpoint' in credentials)) return asSdkKeys(credentials);
  return async () => asSdkKeys(await assumeRoleWithLdap(credentials));
}

function asSdkKeys({ sessionToken, ...keys }: TemporaryKeys) {
  return sessionToken === undefined ? keys : { ...keys, sessionToken };
}

/** The region of a bucket. As in minio-go, if the server doesn't return it, listing is tried nevertheless. */
async function askRegion(client: S3Client, bucket: string, signal: AbortSignal): Promise<string> {
  const { GetBucketLocationCommand } = await import('./sdk.ts');
  try {
    const command = new GetBucketLocationCommand({ Bucket: bucket });
    const { LocationConstraint: region } = await client.send(command, { abortSignal: signal });
    // The oldest regions have no name, and one has an old one (AWS, GetBucketLocation).
    if (!region) return DEFAULT_REGION;
    return (region as string) === 'EU' ? 'eu-west-1' : region;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (/^(AccessDenied|AuthorizationHeaderMalformed|InvalidRegion|NotImplemented)$/.test(code)) {
      return expectedRegion(error) ?? DEFAULT_REGION;
    }
    throw error;
  }
}
