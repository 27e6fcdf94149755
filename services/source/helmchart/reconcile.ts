// Reconciles one HelmChart, from top to bottom: finds the chart that it selects now, fetches or packages and stores it
// if it is new, and announces the artifact.
import { HelmChart, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { setFields } from '@weir/reconcile';
import { describeArtifact, latestUrl } from '../shared/artifacts.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import { summaryOf, valuesFilesOf } from './build.ts';
import type { ChartMaker } from './maker.ts';
import { readOrigin } from './source.ts';
import { readVerification, verifyChart } from './verify.ts';
import { words } from './words.ts';

export interface HelmChartEnvironment extends SourceEnvironment {
  maker: ChartMaker;
}

/** Reconciles one HelmChart once. Steps that are done already are only checked. */
export async function reconcile(
  found: HelmChart,
  context: ReconcileContext,
  informer: Informer<HelmChart>,
  environment: HelmChartEnvironment,
): Promise<Outcome> {
  const { client, maker, address } = environment;
  const run = await beginRun(found, context, informer, { kind: HelmChart, words }, environment);
  if (run === undefined) return {};
  const { object, status, signal } = run;
  const { observedChartName, observedGeneration, observedValuesFiles } = object.status ?? {};
  const url = latestUrl(object, address);
  try {
    const origin = await readOrigin(client, object, signal);
    if (origin.from !== 'registry') {
      const { revision } = origin.artifact;
      status.update((it) => setFields(it, { observedSourceArtifactRevision: revision }));
    }
    const isSignable = origin.from === 'registry';
    const verification = isSignable ? await readVerification(run) : undefined;
    const chart = await context.waiting(() =>
      orAborted(maker.find(object, origin, verification), signal),
    );
    await verifyChart(run, chart);
    const { name, version, isPackaged } = chart;
    const reason = isPackaged ? Reason.ChartPackageSucceeded : Reason.ChartPullSucceeded;
    const isSame = observedChartName === name && observedGeneration === object.metadata.generation;
    const current = await currentArtifact(run, version, isSame);
    if (current !== undefined) {
      const valuesFiles = observedValuesFiles ?? valuesFilesOf(object.spec.valuesFiles);
      const message = summaryOf({ name, version, isPackaged, valuesFiles });
      return await succeed(run, {
        artifact: current,
        result: { reason, message },
        fields: { url },
      });
    }

    const { snapshot, valuesFiles } = await context.waiting(() =>
      orAborted(maker.store(object, chart), signal),
    );
    const artifact = describeArtifact(object, version, snapshot, address);
    const message = summaryOf({ name, version, isPackaged, valuesFiles });
    const observed = object.spec.ignoreMissingValuesFiles ? [...valuesFiles] : undefined;
    return await succeed(run, {
      ...{ artifact, result: { reason, message } },
      fields: { observedChartName: name, observedValuesFiles: observed, url },
    });
  } catch (error) {
    return await fail(run, error);
  }
}
