// Logins of AWS CodeCommit: a signature over the repository's URL as the password, which holds for 15 minutes.
// https://github.com/aws/git-remote-codecommit and https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-git-remote-codecommit.html
import { createHash, createHmac } from 'node:crypto';
import { invalidConfiguration } from '../errors.ts';
import type { AwsCredentials, Login } from '../types.ts';
import { codeCommitRegionOf } from './regions.ts';

const HOLDS_MS = 15 * 60_000;

/**
 * @param now ms since 1970
 * @throws IdentityError InvalidConfiguration for a URL that isn't one of CodeCommit
 */
export function codeCommitLogin(url: URL, credentials: AwsCredentials, now: number): Login {
  const region = codeCommitRegionOf(url);
  if (url.search !== '' || url.hash !== '') {
    throw invalidConfiguration('the URL of a repository of AWS CodeCommit has no query');
  }
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = credentials;
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/codecommit/aws4_request`;
  // A request of the method GIT, whose only signed header is the host, without a body and without a digest of one.
  const request = `GIT\n${url.pathname}\n\nhost:${url.host}\n\nhost\n`;
  const digest = createHash('sha256').update(request).digest('hex');
  const key = [date, region, 'codecommit', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`;
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return {
    username: sessionToken === undefined ? accessKeyId : `${accessKeyId}%${sessionToken}`,
    password: `${time}Z${signature}`,
    expiresAt: Math.min(now + HOLDS_MS, expiresAt),
  };
}
