// The operations of helm.ts over the engine's protocol.
import { RenderError } from './error.ts';
import type {
  HelmAnswers,
  HelmChartResult,
  HelmLookup,
  HelmMergePatch,
  HelmOperations,
  HelmRelease,
  HelmRenderResult,
  HelmStored,
  HelmValuesResult,
} from './helm.ts';
import type { Callbacks } from './job.ts';
import type { Send } from './send.ts';

/** Operations that wait in the queue of builds, as each may take seconds and much memory. */
export const LARGE_HELM_OPERATIONS = ['helm.render'];

export function helmOperations(send: Send): HelmOperations {
  return {
    async helmValues(request, options) {
      const body = JSON.stringify(request);
      const answer = (await send('helm.values', body, options)) as HelmValuesResult & {
        failed?: { origin: string; message: string };
      };
      const { failed } = answer;
      if (failed) throw new RenderError('ValuesError', failed.message, { origin: failed.origin });
      return answer;
    },
    async helmChart(chart, options) {
      return (await send('helm.chart', JSON.stringify(chart), options)) as HelmChartResult;
    },
    async helmCrds(request, options) {
      const answer = await send('helm.crds', JSON.stringify(request), options);
      return (answer as { files: Awaited<ReturnType<HelmOperations['helmCrds']>> }).files;
    },
    async helmRender(request, { lookup, schema, ...options }) {
      const { name, namespace } = request.release;
      const profile = `helm.render ${namespace}/${name}`;
      const callbacks = answers({ lookup, ...(schema && { schema }) });
      const sent = { ...options, callbacks };
      return (await send(
        'helm.render',
        JSON.stringify(request),
        sent,
        profile,
      )) as HelmRenderResult;
    },
    async helmDecode(request, options) {
      const answer = await send('helm.decode', JSON.stringify(request), options);
      return answer as HelmRelease & { digest: string; bytes: number };
    },
    async helmUpdate(request, options) {
      return (await send('helm.update', JSON.stringify(request), options)) as HelmStored;
    },
    async helmMerge(request, options) {
      const answer = await send('helm.merge', JSON.stringify(request), options);
      return (answer as { patches: HelmMergePatch[] }).patches;
    },
  };
}

function answers({ lookup, schema }: HelmAnswers): Callbacks {
  return async (op, body, signal) => {
    if (op === 'helm.lookup') return await lookup(body as HelmLookup, signal);
    if (op === 'helm.schema' && schema) return await schema((body as { url: string }).url, signal);
    throw new Error(
      'a schema that is elsewhere is refused: put it into the chart, or set disableSchemaValidation',
    );
  };
}
