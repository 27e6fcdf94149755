// What is needed to connect to an API server that a tenant names: everything is inline, and nothing comes from this
// machine.
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
  /** The only trusted authorities (PEM); those of the system if left out. */
  ca?: string;
  /** The name in the server's certificate, if that is not the host of the URL. */
  servername?: string;
  /** URL of an HTTP proxy. */
  proxy?: string;
  /** Accepts any certificate of the server. */
  insecure: boolean;
  credentials: Credentials;
  /** A program that prints the credentials, in place of `credentials`. */
  exec?: ExecPlugin;
  impersonate?: Impersonation;
}
