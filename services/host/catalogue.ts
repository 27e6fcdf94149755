// The services that there are. The host knows them by name only: what each is and which flags it reads, it says itself.
import type { Service } from '@weir/service';
import { commonFlags, type Flags } from '@weir/service/flags';
import type { Grammar, NamedFlag } from './command-line.ts';
import { flags as hostFlags } from './flags.ts';

/** A service's code is loaded when it is to run: a process with one service carries one. Its flags take next to nothing. */
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

/** What the command line may hold. */
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
