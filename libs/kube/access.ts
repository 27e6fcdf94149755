// What it takes to talk to an API server that somebody else names: everything inline, nothing of this machine.
import type { Credentials } from './credentials.ts';
import type { Impersonation } from './impersonate.ts';

/** A program that prints credentials (client-go credential plugins). */
export interface ExecPlugin {
  command: string;
  apiVersion: string;
  args: string[];
  env: (readonly [name: string, value: string])[];
  provideClusterInfo: boolean;
}

export interface ClusterAccess {
  /** URL of the API server. */
  server: string;
  /** The only authorities that count (PEM); those of the system where it is left out. */
  ca?: string;
  /** The name that the server's certificate has to have, where that is not the host of the URL. */
  servername?: string;
  /** URL of an HTTP proxy. */
  proxy?: string;
  /** Takes any certificate of the server. */
  insecure: boolean;
  credentials: Credentials;
  /** Where the credentials come from, in place of `credentials`. */
  exec?: ExecPlugin;
  impersonate?: Impersonation;
}
