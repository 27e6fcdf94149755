// An admission webhook of a test, which is asked about the ConfigMaps of one namespace.
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from '@weir/cluster';
import { ConfigMap, type KubeClient, type KubeObject } from '@weir/kube';
import { until } from './harness.ts';

/** What it says: a refusal, or a JSON patch. Nothing lets the object through as it is. */
export type Admission = { refused: string } | { patch: object[] } | undefined;

interface Review {
  request: { uid: string; object: KubeObject | null };
}

/** Serves a webhook, registers it and waits until the API server asks it. Returns the way to take it away again. */
export async function admit(
  client: KubeClient,
  namespace: string,
  decide: (object: KubeObject) => Admission,
): Promise<() => Promise<void>> {
  let asked = 0;
  const server = await listen(
    async (request: IncomingMessage, response) => {
      const { uid, object } = ((await json(request)) as Review).request;
      asked++;
      const answer = { uid, ...answerOf(object === null ? undefined : decide(object)) };
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...review, response: answer }));
    },
    { tls: true },
  );
  const name = `admit-${namespace}`;
  const kind = 'MutatingWebhookConfiguration';
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const type = await client.discovery.resourceForKind(apiVersion, kind);
  await client.create(type, {
    ...{ apiVersion, kind, metadata: { name } },
    webhooks: [
      {
        name: 'test.example.com',
        clientConfig: {
          url: `${server.url}/`,
          caBundle: Buffer.from(server.ca ?? '').toString('base64'),
        },
        rules: [
          {
            ...{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
            operations: ['CREATE', 'UPDATE'],
          },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  } as KubeObject);
  await until(
    async () => {
      const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'probe' } };
      const how = { fieldManager: 'probe', dryRun: true };
      await client.apply(ConfigMap, probe, how).catch(() => undefined);
      return asked > 0;
    },
    { timeoutMs: 60_000, message: 'the webhook to be asked' },
  );
  return async () => {
    await client.delete(type, { name });
    await server.close();
  };
}

function answerOf(said: Admission): object {
  if (said === undefined) return { allowed: true };
  if ('refused' in said) {
    return { allowed: false, status: { code: 403, message: said.refused } };
  }
  const patch = Buffer.from(JSON.stringify(said.patch)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}
