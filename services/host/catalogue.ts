// The table of services. The host knows only their names; each service declares what it is and which flags it reads.
import type { Service } from '@weir/service';
import { commonFlags, type Flags } from '@weir/service/flags';
import type { Grammar, NamedFlag } from './command-line.ts';
import { flags as hostFlags } from './flags.ts';

/** A service's code is loaded only if the service runs. Loading its flags alone costs next to nothing. */
interface Entry {
  load(): Promise<{ service: Service }>;
  flags(): Promise<{ flags: Flags }>;
}

const CATALOGUE: Record<string, Entry> = {
  source: {
    load: () => import('@weir/source'),
    flags: () => import('@weir/source/flags'),
  },
  kustomize: {
    load: () => import('@weir/kustomize'),
    flags: () => import('@weir/kustomize/flags'),
  },
  'helm-release': {
    load: () => import('@weir/helm-release'),
    flags: () => import('@weir/helm-release/flags'),
  },
  notification: {
    load: () => import('@weir/notification'),
    flags: () => import('@weir/notification/flags'),
  },
  'image-automation': {
    load: () => import('@weir/image-automation'),
    flags: () => import('@weir/image-automation/flags'),
  },
};

export const SERVICES: readonly string[] = Object.keys(CATALOGUE);

/** The service of this name; it must be one of `SERVICES`. */
export async function loadService(name: string): Promise<Service> {
  const entry = CATALOGUE[name];
  if (!entry) throw new Error(`there is no service ${name}`);
  return (await entry.load()).service;
}

/** The services and flags that a command line may have. */
export async function grammar(): Promise<Grammar> {
  const flags = new Map<string, NamedFlag>(Object.entries({ ...hostFlags, ...commonFlags }));
  for (const [service, entry] of Object.entries(CATALOGUE)) {
    const own = (await entry.flags()).flags;
    for (const [name, flag] of Object.entries(own)) {
      if (flags.has(name)) throw new Error(`two services read --${name}: make it a common flag`);
      flags.set(name, { ...flag, service });
    }
  }
  return { services: SERVICES, flags };
}
