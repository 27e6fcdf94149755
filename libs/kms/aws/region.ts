import { awsHost } from '@weir/net/aws-hosts';
import { KmsError } from '../errors.ts';

/** A key or an alias (AWS, "Amazon Resource Names"). Its region becomes part of a host. */
const KEY =
  /^arn:aws[\w-]{0,20}:kms:([a-z0-9]+(?:-[a-z0-9]+){1,5}):\d{1,20}:(?:key|alias)\/[\w/+=,.@-]{1,300}$/;
/** The region of a key, by its ARN. @throws KmsError for what is none */
export function awsKeyRegion(arn: string): string {
  const region = KEY.exec(arn)?.[1];
  if (region === undefined) throw new KmsError('the name of the key is no ARN of AWS KMS');
  return region;
}

/** The URL of a service in a region. */
export function regionalUrl(service: string, region: string): URL {
  return new URL(`https://${awsHost(service, region)}/`);
}
