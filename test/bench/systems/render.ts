// Weir's render engine by itself: how long one render of a chart takes, from the request to the answer.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tarGz } from '@weir/oci/testing';
import { createPool, type HelmRenderRequest } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { appFiles } from '../app.ts';
import { now } from '../measure/clock.ts';
import type { Renders } from '../system.ts';

const TENANT = 'bench';
/** How many renders warm the engine up: it loads the chart with the first one. */
const WARM_UP = 20;

/** Renders a chart of apps, each time with other values, so that no result is known before. */
export async function openRenders(dir: string, objects: number): Promise<Renders> {
  const log = createLogger({ service: 'bench', level: 'error' });
  const pool = await createPool({ size: 1, log });
  const chart = await packedChart(dir, objects);
  let renders = 0;
  async function once(): Promise<number> {
    const startedAt = now();
    const request = requestFor(chart, ++renders);
    const lookup = async () => null;
    const rendered = await pool.helmRender(request, { tenant: TENANT, lookup });
    const ms = now() - startedAt;
    if (rendered.objects.length !== objects) {
      throw new Error(`${rendered.objects.length} objects were rendered, and not ${objects}`);
    }
    return ms;
  }
  for (let count = 0; count < WARM_UP; count++) await once();
  return { once, close: () => pool.close() };
}

/** A chart with as many objects, in templates of their own. */
async function packedChart(dir: string, objects: number) {
  const named = (index: number) =>
    appFiles({
      name: `{{ .Release.Name }}-${index}`,
      namespace: '{{ .Release.Namespace }}',
      version: '{{ .Values.tag }}',
    });
  const templates = Array.from({ length: objects }, (_, index) => named(index))
    .flatMap((files, index) =>
      Object.values(files).map((content, kind) => ({
        path: `app/templates/${index}-${kind}.yaml`,
        content,
      })),
    )
    .slice(0, objects);
  const metadata = 'apiVersion: v2\nname: app\nversion: 1.0.0\n';
  const archive = tarGz([{ path: 'app/Chart.yaml', content: metadata }, ...templates]);
  const file = join(dir, 'rendered.tgz');
  await writeFile(file, archive);
  return { file, digest: `sha256:${createHash('sha256').update(archive).digest('hex')}` };
}

function requestFor(chart: HelmRenderRequest['chart'], count: number): HelmRenderRequest {
  const at = new Date().toISOString();
  return {
    chart,
    values: JSON.stringify({ tag: `v${count}` }),
    release: { name: 'web', namespace: TENANT, revision: 1, isInstall: true },
    capabilities: {
      kubeVersion: { version: 'v1.36.0', major: '1', minor: '36' },
      apiVersions: ['v1', 'apps/v1', 'networking.k8s.io/v1'],
    },
    options: { applyMethod: 'ssa' },
    postRender: { strategy: 'combined', origin: { name: 'web', namespace: TENANT } },
    info: {
      firstDeployed: at,
      lastDeployed: at,
      status: 'pending-install',
      description: 'Initial install underway',
    },
  };
}
