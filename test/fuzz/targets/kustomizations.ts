// Kustomizations and manifests of a hostile repository, built by the engine.
import { type BuildResult, RenderError } from '@weir/render';
import fc from 'fast-check';
import { gzip, openEngine, WITH_ENGINES } from '../engine.ts';
import { bomb, tars } from '../tar.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';
import { HOSTILE, OUTSIDE, type Tree, trees } from '../trees.ts';

type Input = { path: string; vars: Record<string, string> | undefined } & (
  | { tree: Tree }
  | { archive: Buffer }
);

const OUTSIDE_IS_READ = 'a build reads files of the machine';
const NO_REASON = 'a failure has no reason of a condition';

/** The failures that a build may have: reasons that a user sees, and those of an engine that reaches its limits. */
const REASONS = [
  'ArtifactFailed',
  'BuildFailed',
  'ReconciliationFailed',
  'InvalidRequest',
  'Timeout',
  'MemoryLimit',
];

const place = {
  path: fc.oneof({ weight: 5, arbitrary: fc.constant('app') }, fc.constantFrom(...HOSTILE)),
  vars: fc.option(fc.constant({ a: 'b', V: '$' + '{a}' }), { nil: undefined }),
};

export const kustomizations: Target<Input> = {
  name: 'kustomizations',
  about: 'kustomizations, manifests and their archives, built',
  limits: WITH_ENGINES,
  inputs: fc.oneof(
    { weight: 8, arbitrary: fc.record({ ...place, tree: trees }) },
    { weight: 2, arbitrary: fc.record({ ...place, archive: tars.map(gzip) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        ...place,
        archive: tars.map((it) => gzip(Buffer.concat([bomb, it]))),
      }),
    },
  ),
  open,
  plants: { [OUTSIDE_IS_READ]: /shows what is secret/, [NO_REASON]: /a reason nobody knows/ },
};

async function open(): Promise<Subject<Input>> {
  const engine = await openEngine();
  return {
    async try(input, plant) {
      const { path, vars } = input;
      const substitute = vars === undefined ? {} : { substitute: { vars } };
      const build = (artifact: { file: string; digest: string }) =>
        engine.pool.build({ artifact, path, ...substitute }, { tenant: 'fuzz' });
      try {
        const built =
          'tree' in input
            ? await engine.withArtifact(input.tree, build)
            : await engine.withFile(input.archive, build);
        check(plant === OUTSIDE_IS_READ ? [built, OUTSIDE] : built, built.objects);
      } catch (error) {
        refused(error, RenderError);
        showsNothingOf(OUTSIDE.canary, error.message, 'the message');
        const { reason } = error as RenderError;
        const shown = plant === NO_REASON ? '' : reason;
        holds(REASONS.includes(shown), `a reason nobody knows: ${shown}: ${error.message}`);
      }
    },
    close: () => engine.close(),
  };
}

/** @param shown everything that is reported about a build */
function check(shown: unknown, objects: BuildResult['objects']): void {
  showsNothingOf(OUTSIDE.canary, JSON.stringify(shown), 'the result');
  for (const { kind, metadata } of objects) {
    holds(typeof kind === 'string' && kind !== '', 'an object has no kind');
    holds(typeof metadata?.name === 'string', 'an object has no name');
  }
}
