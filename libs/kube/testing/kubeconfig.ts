import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';

interface Kubeconfig {
  clusters: { cluster: Record<string, unknown> }[];
  users: { user: Record<string, unknown> }[];
}

/** Writes a copy of a kubeconfig with changes to its cluster or another user, and gives the copy's path back. */
export async function variantOf(
  kubeconfig: string,
  path: string,
  change: { cluster?: Record<string, unknown>; user?: Record<string, unknown> },
): Promise<string> {
  const config: Kubeconfig = parse(await readFile(kubeconfig, 'utf8'));
  for (const entry of config.clusters) Object.assign(entry.cluster, change.cluster);
  for (const entry of config.users) entry.user = change.user ?? entry.user;
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

/** The bearer token in a kubeconfig, or the base64 PEMs of its client certificate. */
export async function userOf(kubeconfig: string): Promise<Record<string, unknown>> {
  const config: Kubeconfig = parse(await readFile(kubeconfig, 'utf8'));
  return config.users[0]?.user ?? {};
}
