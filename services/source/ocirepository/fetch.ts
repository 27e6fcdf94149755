// Pulls for OCIRepositories, shared between those that want the same: one request for all that ask for the same
// reference at the same time, one pull and one artifact of a layer.
import type { OCIRepositorySpec } from '@weir/api';
import { Reason } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import { createFairLimit, createFreshFlight } from '@weir/async';
import { createRegistries, type Registry } from '@weir/oci';
import { messageOf } from '@weir/reconcile';
import type { RenderPool, Verifiers } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import { createSharedAnswers } from '../shared/answers.ts';
import type { ContentLimits } from '../shared/limits.ts';
import { type Verdict, verifySignature } from '../shared/signatures.ts';
import { createSnapshots, fetchFailure, putArchive, type Snapshot } from '../shared/snapshots.ts';
import { deadline } from '../shared/timeouts.ts';
import type { Trust } from '../shared/trust.ts';
import type { Remote } from './credentials.ts';
import { pull, type Selection } from './pull.ts';
import { type Resolved, resolve } from './revision.ts';

/** What to pull from a registry. */
export interface Wanted {
  /** The namespace of the object that asks. Shared work counts for the namespace that asked first. */
  tenant: string;
  remote: Remote;
  ref: OCIRepositorySpec['ref'];
  selection: Selection;
  /** Milliseconds for asking, and the same again for pulling. */
  timeoutMs: number;
}

/** A layer as an artifact in the store. */
export interface LayerSnapshot extends Snapshot {
  /** The annotations of its manifest. */
  metadata: Record<string, string> | undefined;
}

export interface Fetcher {
  /**
   * Asks the registry for the digest of the reference; an answer that was asked for up to `maxAgeMs` ago is used.
   * @throws Failure
   */
  resolve(wanted: Wanted, maxAgeMs: number): Promise<Resolved>;
  /**
   * Verifies that a manifest has a trusted signature.
   * @throws OciError, RenderError
   */
  verify(wanted: Wanted, digest: string, trust: Trust): Promise<Verdict>;
  /**
   * Pulls the layer of a manifest and puts it into the store.
   * @throws Failure
   */
  store(wanted: Wanted, resolved: Pick<Resolved, 'digest'>): Promise<LayerSnapshot>;
}

export interface FetcherOptions {
  store: ArtifactStore;
  pool: RenderPool;
  verifiers: Verifiers;
  limits: ContentLimits;
  /** Folder for files that are being made. */
  dir: string;
  allowLocal: boolean;
  /** The proxies of the operator. */
  environment: NodeJS.ProcessEnv;
  /** Requests for a revision that run at a time. */
  asks: number;
  /** Pulls that run at a time. Each takes disk space for a layer and for what it unpacks to. */
  pulls: number;
  tracing: Tracing;
  /** Ends all work. */
  signal: AbortSignal;
}

export function createFetcher(options: FetcherOptions): Fetcher {
  const { store, pool, verifiers, limits, dir, allowLocal, environment, tracing, signal } = options;
  const shareResolve = createSharedAnswers<Resolved>();
  const shareVerify = createFreshFlight<Verdict>();
  const shareStore = createSnapshots<LayerSnapshot>(store);
  const asks = createFairLimit(options.asks);
  const pulls = createFairLimit(options.pulls);
  const clientOf = createRegistries({ allowLocal, environment });

  function registryOf({ access, accessKey, url }: Remote): Registry {
    try {
      return clientOf(access, accessKey);
    } catch (cause) {
      const message = `failed to generate transport for '${url}': ${messageOf(cause)}`;
      throw fetchFailure(Reason.AuthenticationFailed, message, cause);
    }
  }

  function ask(wanted: Wanted): Promise<Resolved> {
    const { tenant, remote, ref, selection, timeoutMs } = wanted;
    const mediaType = selection.layerSelector?.mediaType;
    const registry = registryOf(remote);
    return asks.run(
      tenant,
      () =>
        resolve({
          tenant,
          remote,
          ref,
          mediaType,
          registry,
          pool,
          signal: deadline(signal, timeoutMs),
        }),
      signal,
    );
  }

  async function pullAndStore(wanted: Wanted, digest: string): Promise<LayerSnapshot> {
    const { tenant, remote, selection, timeoutMs } = wanted;
    const registry = registryOf(remote);
    const { packed, metadata } = await pulls.run(
      tenant,
      () =>
        tracing.span('pull', { attributes: { 'oci.digest': digest } }, () =>
          pull({
            ...selection,
            ...{ tenant, remote, digest, registry, limits, dir, pool, timeoutMs },
            signal: deadline(signal, timeoutMs),
          }),
        ),
      signal,
    );
    return { ...(await putArchive(packed, { tenant, store, tracing })), metadata };
  }

  return {
    resolve: async (wanted, maxAgeMs) => {
      const { remote, ref, selection, timeoutMs } = wanted;
      const mediaType = selection.layerSelector?.mediaType;
      const key = JSON.stringify([remote.key, ref, mediaType, timeoutMs]);
      return tracing.span('resolve', { attributes: { 'url.full': remote.url } }, () =>
        shareResolve(key, maxAgeMs, () => ask(wanted)),
      );
    },
    verify: (wanted, digest, trust) => {
      const { tenant, remote, timeoutMs } = wanted;
      const { repository } = remote;
      const verify = () =>
        verifySignature({
          ...{ registry: registryOf(remote), repository, digest, trust, verifiers, tenant },
          signal: deadline(signal, timeoutMs),
        });
      const key = [remote.key, digest, trust.kind, trust.fingerprint, timeoutMs];
      return tracing.span('verify', { attributes: { 'oci.digest': digest } }, () =>
        shareVerify(JSON.stringify(key), () => asks.run(tenant, verify, signal)),
      );
    },
    store: (wanted, { digest }) => {
      const { remote, selection } = wanted;
      const key = JSON.stringify([remote.key, digest, selection.layerSelector, selection.ignore]);
      return shareStore(key, () => pullAndStore(wanted, digest));
    },
  };
}
