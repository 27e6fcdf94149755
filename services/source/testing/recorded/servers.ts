// All servers that the recorded cases speak of.
import { type Buckets, startBuckets } from './buckets.ts';
import { type Registries, startRegistries } from './registries.ts';

export interface Servers {
  /** What stands for the servers and their credentials in a case. */
  standIns: Record<string, string>;
  registries: Registries;
  buckets: Buckets;
}

/** Starts all of them; they end with the stack. */
export async function startServers(stack: AsyncDisposableStack): Promise<Servers> {
  const registries = await startRegistries(stack);
  const buckets = await startBuckets(stack);
  return { registries, buckets, standIns: { ...registries.standIns, ...buckets.standIns } };
}
