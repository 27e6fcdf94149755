import { awsHost } from '@weir/net/aws-hosts';
import { KmsError } from '../errors.ts';

/**
 * The ARN of a key or an alias (AWS, "Amazon Resource Names"). It is checked strictly because its region becomes part
 * of a host name.
 */
const KEY =
  /^arn:aws[\w-]{0,20}:kms:([a-z0-9]+(?:-[a-z0-9]+){1,5}):\d{1,20}:(?:key|alias)\/[\w/+=,.@-]{1,300}$/;
/**
 * The region in a key's ARN.
 * @throws KmsError for a text that is no such ARN
 */
export function awsKeyRegion(arn: string): string {
  const region = KEY.exec(arn)?.[1];
  if (region === undefined) throw new KmsError('the name of the key is no ARN of AWS KMS');
  return region;
}

/** The URL of a service in a region. */
export function regionalUrl(service: string, region: string): URL {
  return new URL(`https://${awsHost(service, region)}/`);
}
