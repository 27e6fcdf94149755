// The URL of a bucket from its endpoint and name, by the rules of minio-go, which Flux's generic provider uses.
import { isIP } from 'node:net';
import { ObjectStoreError, quoted } from '../errors.ts';

export interface BucketAddress {
  /** Host, or host and port, without a scheme. */
  endpoint: string;
  bucket: string;
  /** The region of the bucket; the server is asked for it unless given. */
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

/** Servers that support a bucket as part of the host's name, and may not support it as part of the path. */
const VIRTUAL_HOSTS = /(^|\.)(amazonaws\.com(\.cn)?|storage\.googleapis\.com|aliyuncs\.com)$/;

/** Whether the bucket is part of the URL's path, and not of the host's name. */
export function isPathStyle(url: URL, bucket: string): boolean {
  const isUncertified = url.protocol === 'https:' && bucket.includes('.');
  return isUncertified || !VIRTUAL_HOSTS.test(url.hostname);
}

/** The region in the name of an AWS host. */
export function regionOf({ hostname }: URL): string | undefined {
  const match = /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/;
  return match.exec(hostname)?.[1];
}
