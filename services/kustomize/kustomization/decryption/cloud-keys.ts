// Reads the credentials for key management services of clouds from the decryption Secret. Names and formats are Flux's.

import type { AwsKeys } from '@weir/kms';
import type { SecretData } from '@weir/kube';
import { type AzureKey, type GoogleKey, parseGoogleKey } from '@weir/oauth';
import { parse } from 'yaml';

/** An application of Azure, or a managed identity of the machine. */
export type AzureLogin = AzureKey | { clientId: string };

export interface CloudKeys {
  aws: AwsKeys | undefined;
  azure: AzureLogin | undefined;
  gcp: GoogleKey | undefined;
}

export const NO_CLOUD_KEYS: CloudKeys = { aws: undefined, azure: undefined, gcp: undefined };

const AWS = 'sops.aws-kms';
const AZURE = 'sops.azure-kv';
const GCP = 'sops.gcp-kms';
/** A certificate with its chain takes about a tenth of this. Bytes. */
const MAX_BYTES = 64 * 1024;

/** @throws Error that names the entry and quotes nothing of its value */
export function readCloudKeys(data: SecretData): CloudKeys {
  return {
    aws: read(data, AWS, awsKeys),
    azure: read(data, AZURE, azureLogin),
    gcp: read(data, GCP, parseGoogleKey),
  };
}

function read<T>(data: SecretData, name: string, parsed: (text: string) => T): T | undefined {
  const value = data.get(name);
  if (value === undefined) return undefined;
  try {
    if (value.length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return parsed(textOf(value));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`'${name}': ${why}`, { cause });
  }
}

/** Azure's programs write UTF-16 on some systems. */
function textOf(value: Buffer): string {
  const [first, second] = value;
  if (first === 0xff && second === 0xfe) return value.subarray(2).toString('utf16le');
  if (first !== 0xfe || second !== 0xff) return value.toString('utf8').replace(/^\uFEFF/, '');
  const even = value.subarray(2, value.length - (value.length % 2));
  return Buffer.from(even).swap16().toString('utf16le');
}

function awsKeys(text: string): AwsKeys {
  const field = fieldsOf(text);
  const accessKeyId = field('aws_access_key_id');
  const secretAccessKey = field('aws_secret_access_key');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error("requires the fields 'aws_access_key_id' and 'aws_secret_access_key'");
  }
  return { accessKeyId, secretAccessKey, sessionToken: field('aws_session_token') };
}

/** The formats are tried in Flux's order; the last but one is what `az` writes for a service principal. */
function azureLogin(text: string): AzureLogin {
  const field = fieldsOf(text);
  const authorityHost = field('authorityHost');
  const [tenantId, clientId] = [field('tenantId'), field('clientId')];
  if (tenantId !== undefined && clientId !== undefined) {
    const application = { tenantId, clientId, authorityHost };
    const clientSecret = field('clientSecret');
    if (clientSecret !== undefined) return { ...application, clientSecret };
    const certificate = field('clientCertificate');
    const password = field('clientCertificatePassword');
    const sendChain = field('clientCertificateSendChain') === 'true';
    if (certificate !== undefined) return { ...application, certificate, password, sendChain };
  }
  const [tenant, appId, password] = [field('tenant'), field('appId'), field('password')];
  if (tenant !== undefined && appId !== undefined && password !== undefined) {
    return { tenantId: tenant, clientId: appId, clientSecret: password, authorityHost };
  }
  if (clientId !== undefined) return { clientId };
  throw new Error(
    "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'",
  );
}

/** Reads the string fields of a map in YAML or JSON. */
function fieldsOf(text: string): (name: string) => string | undefined {
  let map: unknown;
  try {
    map = parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch {
    // The parser's own message would quote the line.
    throw new Error('it is no YAML');
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new Error('it is no map of names to values');
  }
  const fields = map as Record<string, unknown>;
  return (name) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return ['string', 'number', 'boolean'].includes(typeof value) && value !== ''
      ? String(value)
      : undefined;
  };
}
