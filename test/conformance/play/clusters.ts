// The placeholders in fixtures for the addresses and credentials of clusters, which differ in each session.
import { parse } from 'yaml';
import type { FixtureRun } from './fixture-run.ts';

/**
 * Puts in place of `%remote%` a kubeconfig of the second cluster as JSON on one line, of `%remote-server%` and `%remote-ca%` its
 * address and its authority in base64, of `%home-server%` and `%home-ca%` those of the cluster that the system runs in, its
 * authority as the inside of a text in double quotes.
 */
export function withClusters({ places }: FixtureRun, text: string): string {
  const { home, remote } = places;
  const texts: Record<string, string | undefined> = {
    '%remote%': remote && JSON.stringify(parse(remote.kubeconfig)),
    '%remote-server%': remote?.cluster.server,
    '%remote-ca%': remote && Buffer.from(remote.cluster.ca).toString('base64'),
    '%home-server%': home.server,
    '%home-ca%': JSON.stringify(home.ca).slice(1, -1),
  };
  return text.replaceAll(/%(?:remote|home)(?:-\w+)?%/g, (name) => {
    const found = texts[name];
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  });
}
