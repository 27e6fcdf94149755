// The inputs of the providers.
import type { AccountClient } from './account.ts';
import type { EndpointName, Endpoints } from './endpoints.ts';
import type { CloudNetwork } from './net.ts';

export interface CloudContext {
  network: CloudNetwork;
  endpoints: Endpoints;
  /** The environment variables of the process, by which clouds configure identities. */
  environment: NodeJS.ProcessEnv;
  client: AccountClient;
  /** The whole text of a file. */
  readFile(path: string): Promise<string>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The URL of a service: the operator's, or the vendor's. */
export function endpointOf(
  { endpoints }: CloudContext,
  name: EndpointName,
  vendors: string,
): string {
  return endpoints[name] ?? vendors;
}
