import type { Service } from '@weir/service';

/** Loads a service's code only when it is to run: a process with one service carries one. */
const CATALOGUE: Record<string, () => Promise<{ service: Service }>> = {
  source: () => import('@weir/source'),
  kustomize: () => import('@weir/kustomize'),
  'helm-release': () => import('@weir/helm-release'),
  notification: () => import('@weir/notification'),
  'image-automation': () => import('@weir/image-automation'),
};

export const SERVICES: readonly string[] = Object.keys(CATALOGUE);

/** The service of this name; it must be one of `SERVICES`. */
export async function loadService(name: string): Promise<Service> {
  const load = CATALOGUE[name];
  if (!load) throw new Error(`there is no service ${name}`);
  return (await load()).service;
}
