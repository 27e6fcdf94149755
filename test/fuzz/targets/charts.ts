// Charts and indexes of a hostile repository, read, packed and rendered by the engine.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RenderError } from '@weir/render';
import fc from 'fast-check';
import { type Engine, gzip, openEngine, WITH_ENGINES } from '../engine.ts';
import { mutatedText } from '../mutate.ts';
import { bomb, tars } from '../tar.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';
import { HOSTILE, OUTSIDE, type Tree } from '../trees.ts';

interface Input {
  /** Files of the chart by path, or the bytes of its archive. */
  chart: Tree | Buffer;
  index: string;
  values: string;
  /** Where a value is put, by the rules of `helm --set`. */
  targetPath: string;
}

const OUTSIDE_IS_READ = 'a template reads the environment';
const CRASHES = 'an engine ends for it';
const WORDS = [
  ...HOSTILE,
  ...['{{ env "WEIR_FUZZ_CANARY" }}', '{{ .Files.Get "../../secret.yaml" }}', '{{ tpl . . }}'],
  ...['{{ include "a" . }}', '{{ range until 99999999 }}x{{ end }}', '{{ repeat 99999999 "x" }}'],
  ...['{{ lookup "v1" "Secret" "a" "b" }}', '{{ genCA "a" 1 }}', '{{ getHostByName "localhost" }}'],
  ...['{{ $x := 1 }}', '{{ fail "x" }}', '{{ required "x" nil }}', '{{ toYaml . }}', '{{', '}}'],
];

const SET_WORDS = [
  '[',
  ']',
  '.',
  '=',
  ',',
  '{',
  '}',
  '[99999999]',
  '[-1]',
  '[0]'.repeat(40),
  'a.'.repeat(200),
];

const CHART_YAML =
  'apiVersion: v2\nname: app\nversion: 1.0.0\ntype: application\ndependencies:\n- {name: dep, version: 1.x, repository: "file://../dep"}\n';
const TEMPLATE =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {k: {{ .Values.a | quote }}}\n';
const VALUES = 'a: 1\nlist: [x, y]\nmap: {b: {c: d}}\n';
const SCHEMA =
  '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}';
const INDEX =
  'apiVersion: v1\nentries:\n  app:\n  - {name: app, version: 1.0.0, urls: [app.tgz], digest: abc, created: "2020-01-01T00:00:00Z"}\n  - name: app\n    version: 1.1.0\n    urls:\n    - https://example.com/app.tgz\n';

const files = fc.record({
  'app/Chart.yaml': mutatedText([CHART_YAML, 'apiVersion: v2\nname: app\nversion: 1.0.0\n'], WORDS),
  'app/values.yaml': mutatedText([VALUES], WORDS),
  'app/templates/a.yaml': mutatedText([TEMPLATE], WORDS),
  'app/templates/_helpers.tpl': mutatedText(
    ['{{ define "a" }}{{ include "a" . }}{{ end }}'],
    WORDS,
  ),
  'app/values.schema.json': fc.oneof(fc.constant('{}'), mutatedText([SCHEMA], WORDS)),
});

export const charts: Target<Input> = {
  name: 'charts',
  about: 'charts, their templates and values, and indexes of repositories',
  limits: WITH_ENGINES,
  inputs: fc.record({
    chart: fc.oneof(
      { weight: 8, arbitrary: files },
      { weight: 2, arbitrary: tars.map(gzip) },
      { weight: 1, arbitrary: tars.map((it) => gzip(Buffer.concat([bomb, it]))) },
    ),
    index: mutatedText([INDEX], WORDS),
    values: mutatedText([VALUES, '{}'], WORDS),
    targetPath: mutatedText(['a.b[0].c', 'list[3]', 'a\\.b', 'x'], SET_WORDS),
  }),
  open,
  plants: { [OUTSIDE_IS_READ]: /shows what is secret/, [CRASHES]: /an engine that crashed/ },
};

async function open(): Promise<Subject<Input>> {
  const engine = await openEngine();
  return {
    async try(input, plant) {
      const allowed: Allowed = (work) => allow(plant, work);
      await tryIndex(input.index, engine, allowed);
      await tryChart(input, engine, allowed);
    },
    close: () => engine.close(),
  };
}

type Allowed = (work: () => Promise<unknown>) => Promise<void>;
const options = { tenant: 'fuzz' };

/** Runs one operation, which may be refused. */
async function allow(plant: string | undefined, work: () => Promise<unknown>): Promise<void> {
  try {
    const shown = JSON.stringify((await work()) ?? null);
    showsNothingOf(OUTSIDE.canary, plant === OUTSIDE_IS_READ ? OUTSIDE.canary : shown, 'a result');
  } catch (error) {
    refused(error, RenderError);
    showsNothingOf(OUTSIDE.canary, error.message, 'the message');
    const reason = plant === CRASHES ? 'EngineCrashed' : (error as RenderError).reason;
    holds(reason !== 'EngineCrashed', `an engine that crashed: ${error.message}`);
    holds(reason !== 'EngineUnavailable', `an engine that cannot be had: ${error.message}`);
  }
}

async function tryIndex(index: string, { pool, dir }: Engine, allowed: Allowed): Promise<void> {
  const [file, lookup] = [join(dir, 'index.yaml'), join(dir, 'lookup')];
  await writeFile(file, index);
  await allowed(() => pool.chartIndex({ file, lookup }, options));
  await allowed(() => pool.chartVersion({ lookup, name: 'app', range: '*' }, options));
}

async function tryChart(
  { chart, values, targetPath }: Input,
  engine: Engine,
  allowed: Allowed,
): Promise<void> {
  const { pool, dir } = engine;
  const out = join(dir, 'out.tgz');
  const packing = { version: '1.0.0+1', valuesFiles: ['values.yaml', '../secret.yaml'] };
  const work = async (artifact: { file: string; digest: string }) => {
    const { file } = artifact;
    await allowed(() => pool.chartMetadata(file, options));
    const repacking = { file, out, ...packing, ignoreMissingValuesFiles: true };
    await allowed(() => pool.chartRepack(repacking, options));
    await allowed(() => render(engine, artifact, values, targetPath));
  };
  if (Buffer.isBuffer(chart)) await engine.withFile(chart, work);
  else await engine.withArtifact(chart, work);
}

async function render(
  { pool }: Engine,
  chart: { file: string; digest: string },
  yaml: string,
  targetPath: string,
): Promise<unknown> {
  const layers = [
    { origin: 'ConfigMap/v', yaml },
    { origin: 'Secret/s', text: 'a,b', targetPath },
  ];
  const { values } = await pool.helmValues({ layers }, options);
  const request = {
    ...{ chart, values },
    release: { name: 'app', namespace: 'apps', revision: 1, isInstall: true },
    capabilities: {
      kubeVersion: { version: 'v1.33.0', major: '1', minor: '33' },
      apiVersions: ['v1', 'apps/v1'],
    },
    postRender: { strategy: 'combined' as const },
  };
  return pool.helmRender(request, { ...options, lookup: async () => null });
}
