import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';

interface Kubeconfig {
  clusters: { cluster: Record<string, unknown> }[];
  users: { user: Record<string, unknown> }[];
}

/** Writes a copy of a kubeconfig with a changed cluster or another user, and returns the path of the copy. */
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

/** The user's fields in a kubeconfig: its bearer token, or its client certificate and key (PEM in base64). */
export async function userOf(kubeconfig: string): Promise<Record<string, unknown>> {
  const config: Kubeconfig = parse(await readFile(kubeconfig, 'utf8'));
  return config.users[0]?.user ?? {};
}
