// Where a bucket is: what its endpoint and name say of the URL, by the rules of minio-go, which Flux's generic provider uses.
import { isIP } from 'node:net';
import { ObjectStoreError, quoted } from '../errors.ts';

export interface BucketAddress {
  /** Host, or host and port, without a scheme. */
  endpoint: string;
  bucket: string;
  /** Where the bucket is; asked of the server unless given. */
  region?: string | undefined;
  /** HTTP in place of HTTPS. */
  insecure?: boolean | undefined;
}

/**
 * The endpoint as a URL.
 * @throws ObjectStoreError InvalidConfiguration for anything but a host and a port
 */
export function endpointUrl({ endpoint, insecure }: BucketAddress): URL {
  const url = URL.parse(`${insecure ? 'http' : 'https'}://${endpoint}`);
  const isHost =
    url !== null &&
    url.pathname === '/' &&
    !/[/?#@\\\s]/.test(endpoint.replace(/\/$/, '')) &&
    url.hostname !== '';
  if (isHost) return url;
  throw new ObjectStoreError(
    'InvalidConfiguration',
    `Endpoint: ${quoted(endpoint)} does not follow ip address or domain name standards: it is a host with or without a port, and has no scheme and no path.`,
  );
}

// AWS, "General purpose bucket naming rules", with the characters that older buckets and other servers have.
const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{1,61}[A-Za-z0-9]$/;

/** @throws ObjectStoreError InvalidBucketName */
export function checkBucketName(name: string): void {
  const isName = BUCKET_NAME.test(name) && !/\.\.|\.-|-\.|^arn:/.test(name) && isIP(name) === 0;
  if (isName) return;
  const what =
    name.length < 3
      ? 'Bucket name cannot be shorter than 3 characters'
      : name.length > 63
        ? 'Bucket name cannot be longer than 63 characters'
        : 'Bucket name contains invalid characters';
  throw new ObjectStoreError('InvalidBucketName', what);
}

/** Servers that take a bucket as a part of the host's name, and need not take it as a part of the path. */
const VIRTUAL_HOSTS = /(^|\.)(amazonaws\.com(\.cn)?|storage\.googleapis\.com|aliyuncs\.com)$/;

/** Whether the bucket is in the path of the URL, and not in the name of the host. */
export function isPathStyle(url: URL, bucket: string): boolean {
  const isUncertified = url.protocol === 'https:' && bucket.includes('.');
  return isUncertified || !VIRTUAL_HOSTS.test(url.hostname);
}

/** The region that a host of AWS has in its name. */
export function regionOf({ hostname }: URL): string | undefined {
  const match = /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/;
  return match.exec(hostname)?.[1];
}
