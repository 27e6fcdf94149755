import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CustomResourceDefinition, type KubeClient, type KubeObject } from '@weir/kube';
import { parse } from 'yaml';

const FOLDER = new URL('../../charts/weir/crds/', import.meta.url);
const FIELD_MANAGER = 'weir';
const POLL_MS = 50;

/** Applies the CRDs of the chart and resolves once the API server serves each of them. */
export async function installCrds(client: KubeClient, signal: AbortSignal): Promise<void> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
  await Promise.all(
    names.map(async (name) => {
      const crd = parse(await readFile(new URL(name, FOLDER), 'utf8')) as KubeObject;
      await client.apply(CustomResourceDefinition, crd, {
        fieldManager: FIELD_MANAGER,
        force: true,
        signal,
      });
      await established(client, crd.metadata.name, signal);
    }),
  );
}

interface Status {
  conditions: { type: string; status: string; message?: string }[] | null;
}

async function established(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const crd = await client.get(CustomResourceDefinition, { name }, { signal });
    // The API server returns null until it has processed a new definition.
    const conditions = (crd.status as Status | undefined)?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    const refused = conditions.find((it) => it.type === 'NamesAccepted' && it.status === 'False');
    if (refused) throw new Error(`the CRD ${name} is refused: ${refused.message}`);
    await delay(POLL_MS, undefined, { signal });
  }
}
