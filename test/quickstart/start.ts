// `npm start`: starts Weir with a small control plane and carries a commit to cluster state and two chat messages. With
// --once it ends after that: with 0 when everything has arrived, with 1 and the reason otherwise.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCluster, type Receiver, startReceiver, until } from '@weir/cluster';
import { startServices } from '@weir/host';
import { connectKube, type KubeClient, Namespace } from '@weir/kube';
import { buildEngine } from '@weir/render';
import { type Example, serveExample } from './example.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { chatAnswer, printChatMessage, readChatMessage } from './messages.ts';
import { nextSteps } from './next-steps.ts';
import { createProgress, type Progress } from './progress.ts';
import { EXAMPLE_OBJECTS, untilReady } from './waiting.ts';

const NAMESPACE = 'flux-system';
const READY_TIMEOUT_MS = 120_000;
const ALERT_TIMEOUT_MS = 30_000;

const once = process.argv.includes('--once');
const progress = createProgress(process.stdout);
const started = new AsyncDisposableStack();

try {
  const interrupt = interrupted();
  const end = await Promise.race([run(), interrupt]);
  // A start that was interrupted did not succeed.
  if (end === 'interrupted') process.exitCode = 130;
  if (end === 'up') await interrupt;
} catch (error) {
  process.stderr.write(`\nIt did not work: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await started.disposeAsync();
}
// After an interruption some work may still be under way, so the process is ended here.
process.exit();

async function run(): Promise<'up' | 'done'> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-start-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));

  const cluster = await progress.step('Kubernetes and NATS', async (say) => {
    const opened = await openCluster({ kubectl: true, progress: say });
    started.defer(() => opened.close());
    say(`API server at ${opened.server}, NATS at ${opened.natsUrl}`);
    return opened;
  });
  const client = connectKube({ kubeconfig: cluster.kubeconfig });
  started.defer(() => client.close());

  const chat = await startReceiver({ onRequest: print });
  chat.reply(chatAnswer);
  started.defer(() => chat.close());
  const example = await progress.step('A Git server with the example repository', async (say) => {
    const served = await serveExample({ onPush: () => onPush(client, progress) });
    started.defer(() => served.close());
    say(`${served.url} at ${served.commit.slice(0, 8)}`);
    return served;
  });

  await progress.step('The render engine', async (say) => void (await buildEngine(say)));
  const log = join(dir, 'weir.log');
  await progress.step('All five services, each as its own service account', async (say) => {
    const services = await startServices({
      flags: {
        kubeconfig: cluster.kubeconfig,
        'nats-url': cluster.natsUrl,
        'install-crds': 'true',
        'service-accounts': 'true',
        'health-port': '0',
        'artifact-port': '0',
        'events-port': '0',
        'receiver-port': '0',
        // The Git server and the chat are on this machine.
        'allow-local-addresses': 'true',
        'storage-dir': dir,
      },
      logging: { destination: createWriteStream(log) },
    });
    started.defer(() => services.close());
    await services.ready();
    say(`their log: ${log}`);
  });

  await carryOver(client, example, chat);
  if (once) return 'done';
  progress.say(nextSteps({ cluster, example }));
  return 'up';
}

/** Creates the objects that name the repository, and waits until its commit is applied and announced in both chats. */
async function carryOver(client: KubeClient, example: Example, chat: Receiver): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  await progress.step(
    'GitRepository, Kustomizations, HelmRelease, Providers and Alerts',
    async () => {
      await client.apply(Namespace, namespace, { fieldManager: 'kubectl' });
      const values = { GIT_URL: example.url, RECEIVER_URL: chat.url };
      await applyManifests(client, await readManifests(values));
    },
  );
  for (const awaited of EXAMPLE_OBJECTS) {
    await progress.step(`${awaited.type.kind} ${awaited.name}`, async (say) => {
      say(await untilReady(client, NAMESPACE, awaited, READY_TIMEOUT_MS));
    });
  }
  await progress.step('Messages in Slack and in Feishu', () => alerts(chat, example.commit));
}

/** Waits until both chats have received the message that production was applied at this commit. */
async function alerts(chat: Receiver, commit: string): Promise<void> {
  for (const name of ['Slack', 'Feishu'] as const) {
    const hasArrived = () =>
      chat.requests().some(({ path, body }) => {
        const message = readChatMessage(path, body);
        return (
          message?.chat === name && message.title.includes('production') && body.includes(commit)
        );
      });
    await until(hasArrived, {
      timeoutMs: ALERT_TIMEOUT_MS,
      message: `the message about production in ${name}`,
    });
  }
}

function print({ path, body }: { path: string; body: string }): void {
  const message = readChatMessage(path, body);
  if (message) progress.say(printChatMessage(message));
}

/** Requests a reconcile after a push, as a webhook does for a hosted repository. */
function onPush(client: KubeClient, { say }: Progress): void {
  say('A push arrived; asking Weir to look at it.');
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const [{ type, name }] = EXAMPLE_OBJECTS as [(typeof EXAMPLE_OBJECTS)[number]];
  client
    .patch(type, { namespace: NAMESPACE, name }, { metadata: { annotations } }, { kind: 'merge' })
    .catch((error: unknown) => say(`Weir could not be asked: ${error}`));
}

/** Resolves at the first signal to stop. A second signal ends the process at once. */
function interrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(130);
      asked = true;
      progress.say('\nStopping.');
      resolve('interrupted');
    };
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  });
}
