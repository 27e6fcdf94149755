// What both tests of a hand-over between Flux and Weir look at: who leads, what Weir has written meanwhile, and whether the
// objects hold still.
import { type Cluster, freePort, until } from '@weir/cluster';
import type { Weir, WeirProcess } from '@weir/kit';
import { NAMESPACE } from './fleet.ts';

/** Weir's own namespace. Its replicas renew their Leases there also while Flux leads. */
const RUNTIME = 'weir-system';
const OWN_ACCOUNT = /^system:serviceaccount:weir-system:weir-/;
const READS = new Set(['get', 'list', 'watch']);

/** The names of the controllers that Weir's services take the place of. */
const CONTROLLERS = {
  source: 'source-controller',
  kustomize: 'kustomize-controller',
  'helm-release': 'helm-controller',
};
export type HandedOver = keyof typeof CONTROLLERS;

/** Weir started beside Flux: a process that waits until Flux has stopped. */
export interface Successor {
  /** Resolves when all services are at work, which is after Flux has stopped. */
  starting: Promise<WeirProcess>;
  /** Waits until the service says that Flux's controller leads, or that it is at work itself. */
  says(service: HandedOver, leader: 'Flux' | 'Weir'): Promise<void>;
}

export async function startSuccessor(
  weir: Weir,
  services: readonly HandedOver[],
): Promise<Successor> {
  const port = await freePort();
  const flags = [`--health-port=${port}`];
  const starting = weir.start([...services], { name: 'weir', flags });
  // The start is awaited after Flux has stopped. Until then a failure of it must not count as unhandled.
  starting.catch(() => undefined);
  const readiness = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  return {
    starting,
    async says(service, leader) {
      const controller = CONTROLLERS[service];
      const line =
        leader === 'Weir'
          ? `[+] ${service}\n`
          : `[-] ${service}: Flux's ${controller} is at work (Lease ${NAMESPACE}/${controller}-leader-election of `;
      await until(async () => (await readiness()).includes(line), {
        timeoutMs: 30_000,
        message: line,
      });
    },
  };
}

/** The requests by which Weir has written something since a time, except for the Leases of its replicas. */
export async function writesOfWeir(cluster: Cluster, since: string): Promise<string[]> {
  const written = (await cluster.audit()).filter(
    ({ user, verb, objectRef, requestReceivedTimestamp }) =>
      requestReceivedTimestamp > since &&
      OWN_ACCOUNT.test(user.username) &&
      !READS.has(verb) &&
      objectRef?.namespace !== RUNTIME,
  );
  return written.map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

/** What `read` gives when it no longer changes. Pods and endpoints change a moment after the objects that they belong to. */
export async function heldStill<T extends object>(read: () => Promise<T>): Promise<T> {
  let last: T | undefined;
  return until(
    async () => {
      const before = last;
      last = await read();
      return JSON.stringify(before) === JSON.stringify(last) && last;
    },
    { timeoutMs: 30_000, intervalMs: 700, message: 'objects that hold still' },
  );
}
