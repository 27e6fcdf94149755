import { BlockList, isIP } from 'node:net';
import { OciError } from './errors.ts';

/** Finds out whether a registry speaks TLS, where it may do without. */
export interface SchemeChoice {
  /**
   * Does the work with `https:`, and with `http:` where nobody speaks TLS and the registry may do without. A certificate
   * that isn't trusted is no reason for that: somebody between could make it so to read what is sent.
   */
  use<T>(work: (scheme: 'https:' | 'http:') => Promise<T>): Promise<T>;
}

const near = new BlockList();
near.addAddress('127.0.0.1', 'ipv4');
near.addSubnet('10.0.0.0', 8, 'ipv4');
near.addSubnet('172.16.0.0', 12, 'ipv4');
near.addSubnet('192.168.0.0', 16, 'ipv4');
near.addAddress('::1', 'ipv6');

/**
 * @param registry host and port. One on this machine or in a private network may do without TLS, as in
 *   go-containerregistry, which Flux uses; of 127.0.0.0/8 only 127.0.0.1 counts there.
 * @param insecure whether any registry may
 */
export function createSchemeChoice(registry: string, insecure: boolean): SchemeChoice {
  if (!insecure && !isNear(registry)) return { use: (work) => work('https:') };
  let known: 'https:' | 'http:' | undefined;

  async function attempt<T>(
    scheme: 'https:' | 'http:',
    work: (scheme: 'https:' | 'http:') => Promise<T>,
  ): Promise<T> {
    try {
      const result = await work(scheme);
      known = scheme;
      return result;
    } catch (error) {
      // An answer, also one that says no, tells that the scheme is the right one.
      if (error instanceof OciError && error.status !== undefined) known = scheme;
      throw error;
    }
  }

  return {
    async use(work) {
      if (known !== undefined) return work(known);
      try {
        return await attempt('https:', work);
      } catch (overTls) {
        if (!(overTls instanceof OciError) || overTls.reason !== 'Unreachable') throw overTls;
        try {
          return await attempt('http:', work);
        } catch (plain) {
          const isBetter = !(plain instanceof OciError) || plain.reason !== 'Unreachable';
          throw isBetter ? plain : overTls;
        }
      }
    },
  };
}

function isNear(registry: string): boolean {
  const port = /:\d+$/.exec(registry)?.[0] ?? '';
  const host = registry.slice(0, registry.length - port.length).replace(/^\[(.*)\]$/, '$1');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = isIP(host);
  return family !== 0 && near.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
