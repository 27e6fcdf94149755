// What `npm start` shows when everything runs: a commit on its way into the cluster and into both chats, and a pushed image that
// becomes the next commit.
import { ImageRepository, ImageUpdateAutomation } from '@weir/api';
import { type Receiver, type TagRegistry, until } from '@weir/cluster';
import { Deployment, type KubeClient, Namespace, type ResourceType } from '@weir/kube';
import type { Example } from './example.ts';
import { IMAGE, pushTag } from './images.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { readChatMessage } from './messages.ts';
import type { Progress } from './progress.ts';
import { type Awaited, EXAMPLE_OBJECTS, untilReady } from './waiting.ts';

const NAMESPACE = 'flux-system';
const PRODUCTION = 'greeter-production';
const READY_TIMEOUT_MS = 120_000;
const ALERT_TIMEOUT_MS = 30_000;
const BUMP_TIMEOUT_MS = 60_000;
const NEXT_TAG = '1.1.0';

/** The running system, and the means to show it. */
export interface Stage {
  client: KubeClient;
  example: Example;
  images: TagRegistry;
  chat: Receiver;
  progress: Progress;
}

/** Creates the objects that name the repository, and waits until its commit is applied and announced in both chats. */
export async function carryCommit({ client, example, images, chat, progress }: Stage) {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  await progress.step(
    'GitRepository, Kustomizations, HelmRelease, image automation, Providers and Alerts',
    async () => {
      await client.apply(Namespace, namespace, { fieldManager: 'kubectl' });
      const values = { GIT_URL: example.url, RECEIVER_URL: chat.url, REGISTRY: images.host };
      await applyManifests(client, await readManifests(values));
    },
  );
  for (const awaited of EXAMPLE_OBJECTS) {
    await progress.step(`${awaited.type.kind} ${awaited.name}`, async (say) => {
      say(await untilReady(client, NAMESPACE, awaited, READY_TIMEOUT_MS));
    });
  }
  await progress.step('Messages in Slack and in Feishu', () =>
    untilAnnounced(chat, 'production', example.commit),
  );
}

/** Pushes an image, and waits until it is committed, applied, and both the commit and the apply are announced in both chats. */
export async function carryImage({ client, images, chat, progress }: Stage): Promise<void> {
  const commit = await progress.step(
    `The image ${IMAGE}:${NEXT_TAG}, pushed to the registry`,
    async (say) => {
      await pushTag(images, NEXT_TAG);
      const pushed = await until(() => lastPushCommit(client), {
        timeoutMs: BUMP_TIMEOUT_MS,
        message: `a commit with ${NEXT_TAG}`,
      });
      say(`ImageUpdateAutomation example has committed ${pushed.slice(0, 8)}`);
      return pushed;
    },
  );
  await progress.step(`The Deployment with ${IMAGE}:${NEXT_TAG}`, () =>
    until(() => runsImage(client), {
      timeoutMs: BUMP_TIMEOUT_MS,
      message: `the Deployment of production with ${NEXT_TAG}`,
    }),
  );
  await progress.step('Messages about the image in Slack and in Feishu', async () => {
    await untilAnnounced(chat, 'imageupdateautomation', commit.slice(0, 7));
    await untilAnnounced(chat, 'production', commit);
  });
}

/** Requests a reconcile of an object after a push, as a webhook does for a hosted repository or registry. */
export function requestAfterPush(client: KubeClient, { type, name }: Awaited, progress: Progress) {
  progress.say(`A push arrived; asking Weir to look at ${type.kind} ${name}.`);
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  client
    .patch(type, { namespace: NAMESPACE, name }, { metadata: { annotations } }, { kind: 'merge' })
    .catch((error: unknown) => progress.say(`Weir could not be asked: ${error}`));
}

/** The object to wait for after the push of an image. */
export const IMAGES: Awaited = { type: ImageRepository, name: IMAGE };

/** Waits until both chats have received a message with this in its title and that in its text. */
async function untilAnnounced(chat: Receiver, title: string, text: string): Promise<void> {
  for (const name of ['Slack', 'Feishu'] as const) {
    const hasArrived = () =>
      chat.requests().some(({ path, body }) => {
        const message = readChatMessage(path, body);
        return message?.chat === name && message.title.includes(title) && body.includes(text);
      });
    await until(hasArrived, {
      timeoutMs: ALERT_TIMEOUT_MS,
      message: `the message about ${title} in ${name}`,
    });
  }
}

async function lastPushCommit(client: KubeClient): Promise<string | undefined> {
  const ref = { namespace: NAMESPACE, name: 'example' };
  const { status } = await client.get<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
  return status?.lastPushCommit;
}

async function runsImage(client: KubeClient): Promise<boolean> {
  const deployment = await client.get(Deployment as ResourceType, {
    namespace: PRODUCTION,
    name: 'greeter',
  });
  return JSON.stringify(deployment.spec).includes(`"example.org/${IMAGE}:${NEXT_TAG}"`);
}
