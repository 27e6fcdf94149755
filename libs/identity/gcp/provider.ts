// Google Cloud: tokens for the service itself, and for accounts by the pool that trusts their tokens.
import type { TokenProvider } from '../access.ts';
import { SHORTEST_SECONDS } from '../aws/provider.ts';
import type { CloudContext } from '../context.ts';
import type { AccessToken } from '../types.ts';
import { emailOf, exchange, JWT_TYPE, poolAudienceOf } from './exchange.ts';
import { type GkeCluster, readGkeCluster } from './metadata.ts';
import { ownGcpToken } from './own.ts';

export function gcpProvider(context: CloudContext): TokenProvider<AccessToken> {
  let cluster: GkeCluster | undefined;

  /** Which cluster this is stays the same while the process runs. */
  async function gke(signal: AbortSignal): Promise<{ pool: string; audience: string }> {
    cluster ??= await readGkeCluster(context, signal);
    const { project, location, name } = cluster;
    const pool = `${project}.svc.id.goog`;
    const provider = `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${name}`;
    return { pool, audience: `identitynamespace:${pool}:${provider}` };
  }

  return {
    lifetimeSeconds: SHORTEST_SECONDS,
    audiencesOf: async ({ annotations }, _, signal) => [
      poolAudienceOf(annotations) ?? (await gke(signal)).pool,
    ],
    identityOf: ({ annotations }) => emailOf(annotations) ?? '',
    own: ({ proxy }, signal) => ownGcpToken(context, proxy, signal),
    async exchange({ annotations }, { token }, { proxy }, signal) {
      const audience = poolAudienceOf(annotations) ?? (await gke(signal)).audience;
      const email = emailOf(annotations);
      const given = { token, tokenType: JWT_TYPE, audience, email, proxy };
      return exchange(context, given, signal);
    },
  };
}
