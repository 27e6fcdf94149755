// Connections to chart repositories and registries, kept for each set of credentials.
import { createBoundedMap } from '@weir/async';
import { type Answer, type Client, type GetOptions, openClient } from '@weir/helm';
import { createRegistries, type Registry } from '@weir/oci';
import { deadline } from '../timeouts.ts';
import type { Access, Asker, RegistryAccess } from './access.ts';

export interface ChartClients {
  /**
   * Gets a file of a repository within the asker's time limit.
   * @throws HelmError
   */
  get(access: Access, url: URL, options: Omit<GetOptions, 'signal'>): Promise<Answer | undefined>;
  /** @throws OciError InvalidConfiguration */
  registry(access: RegistryAccess): Registry;
  /** A signal that aborts when the asker's time limit, counted from now, is over. */
  deadline(asker: Asker): AbortSignal;
}

/** Clients that are kept. The connections of one that is dropped close when they are idle. */
const CLIENTS = 500;

export function createChartClients({
  allowLocal,
  environment,
  signal,
}: {
  allowLocal: boolean;
  /** The proxies of the operator. */
  environment: NodeJS.ProcessEnv;
  /** Ends all conversations. */
  signal: AbortSignal;
}): ChartClients {
  const clients = createBoundedMap<string, Client>({ max: CLIENTS });
  const registryOf = createRegistries({ allowLocal, environment });

  function clientOf({ client, key }: Access): Client {
    const opened = clients.get(key) ?? openClient({ ...client, allowLocal, environment });
    clients.set(key, opened);
    return opened;
  }

  const deadlineOf = ({ timeoutMs }: Asker) => deadline(signal, timeoutMs);

  return {
    deadline: deadlineOf,
    get: async (access, url, options) =>
      clientOf(access).get(url, { ...options, signal: deadlineOf(access) }),
    registry: ({ registry, key }) => registryOf(registry, key),
  };
}
