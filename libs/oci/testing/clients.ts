import { openRegistry, type Registry } from '../registry.ts';
import type { RegistryOptions } from '../session.ts';

/** Retries at once, so that a test needn't wait. */
export const QUICK_RETRY = { attempts: 3, firstPauseMs: 1, maxPauseMs: 2_000 };

/** A client of a registry on this machine. */
export function openLocal(registry: string, options: Partial<RegistryOptions> = {}): Registry {
  return openRegistry({ registry, allowLocal: true, retry: QUICK_RETRY, ...options });
}

/** Ends a call that hangs, which fails the test. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

/** All bytes of a blob. */
export async function wholeBlob(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read);
}

/** The header that `REGISTRY_USER` pushes with. */
export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
