// `npm start`: starts Weir with a small control plane and carries a commit to cluster state and two chat messages, and then a
// pushed image to a commit and on into the cluster. With --once it ends after that: with 0 when everything has arrived, with 1
// and the reason otherwise.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitRepository } from '@weir/api';
import { openCluster, startReceiver } from '@weir/cluster';
import { startServices } from '@weir/host';
import { connectKube } from '@weir/kube';
import { buildEngine } from '@weir/render';
import { carryCommit, carryImage, IMAGES, requestAfterPush } from './carry.ts';
import { serveExample } from './example.ts';
import { serveImages } from './images.ts';
import { chatAnswer, printChatMessage, readChatMessage } from './messages.ts';
import { nextSteps } from './next-steps.ts';
import { createProgress } from './progress.ts';

const REPOSITORY = { type: GitRepository, name: 'example' };

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
    const served = await serveExample({
      onPush: () => requestAfterPush(client, REPOSITORY, progress),
    });
    started.defer(() => served.close());
    say(`${served.url} at ${served.commit.slice(0, 8)}`);
    return served;
  });
  const images = await serveImages({ onPush: () => requestAfterPush(client, IMAGES, progress) });
  started.defer(() => images.close());

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

  const stage = { client, example, images, chat, progress };
  await carryCommit(stage);
  await carryImage(stage);
  if (once) return 'done';
  progress.say(nextSteps({ cluster, example, images }));
  return 'up';
}

function print({ path, body }: { path: string; body: string }): void {
  const message = readChatMessage(path, body);
  if (message) progress.say(printChatMessage(message));
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
