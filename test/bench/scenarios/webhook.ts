// How soon a webhook makes a source ask its remote.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GitRepository, Receiver } from '@weir/api';
import { until } from '@weir/cluster';
import { Secret } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';

const TIMEOUT_MS = 60_000;
/** Two pushes are further apart than this. */
const BETWEEN_MS = 300;
/** Sources of one repository that one call names. */
const MANY = 200;
const NAME = 'webhook';

export const webhook: OwnScenario = {
  kind: 'own',
  name: 'webhook',
  about: `a webhook until its source asks the remote, and one for ${MANY} sources of one repository`,
  runs: 'webhooks',
  sizes: () => [1],
  async run(trial) {
    const { git } = trial.environment;
    const repository = await git.createRepository(NAME);
    await repository.commit({ 'a.yaml': 'a: 1\n' });
    await applySource(trial, NAME, repository.url);
    const single = await applyReceiver(trial, NAME, [NAME]);
    const one = await measure(trial, single, { id: 'webhook', sources: 1, rounds: trial.rounds });
    const names = Array.from({ length: MANY }, (_, index) => `many-${index}`);
    for (const name of names) await applySource(trial, name, repository.url);
    const all = await applyReceiver(trial, 'many', names);
    const rounds = Math.min(trial.rounds, 5);
    return [one, await measure(trial, all, { id: 'webhook-many', sources: MANY, rounds })];
  },
};

interface Measured {
  id: string;
  sources: number;
  rounds: number;
}

async function measure(
  trial: Trial,
  url: string,
  { id, sources, rounds }: Measured,
): Promise<Measurement> {
  const { git } = trial.environment;
  trial.progress(`${rounds} webhooks that name ${sources} sources`);
  const { result, spent } = await spentOn(trial, async () => {
    const times: number[] = [];
    let requests = 0;
    for (let round = 0; round < rounds; round++) {
      git.clearRequests();
      const calledAt = now();
      const { status } = await fetch(url, { method: 'POST', body: '{}' });
      if (status !== 200) throw new Error(`the webhook says ${status}`);
      await until(() => git.requests().length > 0, {
        ...{ timeoutMs: TIMEOUT_MS, intervalMs: 1 },
        message: 'a request to the remote',
      });
      times.push((git.requests()[0]?.at ?? 0) - calledAt);
      await delay(BETWEEN_MS + sources * 5);
      requests += git.requests().length;
    }
    return { times, requests };
  });
  const each = result.requests / rounds;
  return {
    id,
    name: `a webhook that names ${sources} sources of one repository, ${each} requests to it`,
    ...{ apps: 1, count: rounds, unit: 'webhook', spent },
    times: { 'the first request to the remote': result.times },
  };
}

async function applySource({ environment }: Trial, name: string, url: string): Promise<void> {
  const { namespace, apply, client } = environment;
  const spec = { interval: '1h', url, ref: { branch: 'main' } };
  const metadata = { name, namespace };
  await apply({ apiVersion: GitRepository.apiVersion, kind: 'GitRepository', metadata, spec });
  await until(
    async () => {
      const { status } = await client.get<GitRepository>(GitRepository, metadata);
      return status?.artifact !== undefined;
    },
    { timeoutMs: TIMEOUT_MS, message: `an artifact of ${name}` },
  );
}

/** Returns the URL of the webhook, once it is there. */
async function applyReceiver(
  { environment, system }: Trial,
  name: string,
  sources: readonly string[],
): Promise<string> {
  const { namespace, client } = environment;
  const metadata = { name, namespace };
  const token = 'token-of-the-benchmark';
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { token } };
  await client.apply(Secret, secret, { fieldManager: 'bench' });
  const resources = sources.map((source) => ({ kind: 'GitRepository', name: source }));
  const spec = { type: 'generic', secretRef: { name }, resources };
  await environment.apply({ apiVersion: Receiver.apiVersion, kind: 'Receiver', metadata, spec });
  const digest = createHash('sha256').update(`${token}${name}${namespace}`).digest('hex');
  await until(
    async () => {
      const { status } = await client.get<Receiver>(Receiver, metadata);
      return status?.webhookPath === `/hook/${digest}`;
    },
    { timeoutMs: TIMEOUT_MS, message: `the path of ${name}` },
  );
  if (system.webhooks === undefined) throw new Error('the system was not started for webhooks');
  return `${system.webhooks}/hook/${digest}`;
}
