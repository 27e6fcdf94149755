// Remotes that answer with something else than they should, or with half of it: what is said, with Flux's reason, and that the
// artifact in use stays until there is a good one. Object stores are in bucket-faults.cluster.test.ts.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import {
  FETCH_FAILED,
  findCondition,
  GitRepository,
  HelmChart,
  HelmRepository,
  type Kind,
  OCIRepository,
  RECONCILE_REQUEST,
} from '@weir/api';
import {
  type ChartRepository,
  type Front,
  type RegistryServer,
  startChartRepository,
  startFront,
  startRegistry,
  until,
} from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import type { SourceObject } from './shared/source.ts';
import { type Harness, startHarness } from './testing/harness.ts';

const WRITING = { fieldManager: 'test', force: true };
const timeoutMs = 60_000;
const SECRET = 'inner secret of the server';
const MAX_INDEX = 20_000;

describe('a remote that fails leaves the artifact in use where it is', () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let git: Front;
  let registry: RegistryServer;
  let images: Front;
  let charts: ChartRepository;
  before(async () => {
    harness = await startHarness({ 'helm-index-max-bytes': String(MAX_INDEX) });
    git = stack.adopt(await startFront(harness.git.url), (it) => it.close());
    registry = stack.adopt(await startRegistry(), (it) => it.close());
    images = stack.adopt(await startFront(registry.url), (it) => it.close());
    charts = stack.adopt(await startChartRepository(), (it) => it.close());
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  async function apply(kind: Kind, namespace: string, spec: object): Promise<void> {
    const metadata = { namespace, name: 'app' };
    const object = { apiVersion: kind.apiVersion, kind: kind.kind, metadata, spec };
    await harness.client.apply(kind, object as KubeObject, WRITING);
  }

  let count = 0;
  /** Asks for a run and waits for its end. */
  async function run(kind: Kind, namespace: string): Promise<SourceObject> {
    const token = `run-${++count}`;
    const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
    const ref = { namespace, name: 'app' };
    await harness.client.patch(kind, ref, body, { kind: 'merge' });
    return until(
      async () => {
        const object = await harness.client.get<SourceObject>(kind, ref);
        const status = findCondition(object.status?.conditions, 'Ready')?.status;
        const isDone = object.status?.lastHandledReconcileAt === token && status !== 'Unknown';
        return isDone ? object : undefined;
      },
      { timeoutMs, message: `${kind.kind} to have run` },
    );
  }

  interface Failing {
    kind: Kind;
    reason: string;
    message: RegExp;
    condition?: string;
  }

  /** Has an object fail, and get well afterwards with a new artifact. */
  async function fails(
    namespace: string,
    { kind, reason, message, condition = FETCH_FAILED }: Failing,
    work: { begin(): unknown; end(): unknown },
  ): Promise<void> {
    const before = await run(kind, namespace);
    assert.ok(before.status?.artifact, JSON.stringify(before.status));
    await work.begin();
    try {
      const { status } = await run(kind, namespace);
      const failure = findCondition(status?.conditions, condition);
      const ready = findCondition(status?.conditions, 'Ready');
      assert.deepEqual([ready?.status, failure?.reason], ['False', reason], ready?.message);
      assert.match(ready?.message ?? '', message);
      assert.ok(!ready?.message.includes(SECRET), ready?.message);
      assert.deepEqual(status?.artifact, before.status.artifact);
      assert.equal((await fetch(before.status.artifact.url)).status, 200, 'it is served');
    } finally {
      await work.end();
    }
    const { status } = await run(kind, namespace);
    assert.equal(findCondition(status?.conditions, 'Ready')?.status, 'True');
    assert.notEqual(status?.artifact?.revision, before.status.artifact.revision);
  }

  describe('a Git server that', () => {
    const isFetch = async (request: IncomingMessage, response: ServerResponse) => {
      if (request.method !== 'POST') return false;
      const body = await buffer(request);
      response.setHeader('content-type', 'application/x-git-upload-pack-result');
      if (body.includes('command=fetch')) return true;
      const { 'content-type': type = '', 'git-protocol': protocol = '' } = request.headers;
      const headers = { 'content-type': type, 'git-protocol': `${protocol}` };
      const passed = { method: 'POST', headers, body: new Uint8Array(body) };
      const answer = await fetch(`${harness.git.url}${request.url}`, passed);
      response.end(Buffer.from(await answer.arrayBuffer()));
      return undefined;
    };
    /** Answers the fetch of a commit, and leaves the request for the branch to the server. */
    const fetches = (answer: (response: ServerResponse) => unknown) => {
      git.intercept(async (request, response) => {
        const is = await isFetch(request, response);
        if (is) answer(response);
        return is !== false;
      });
    };
    const checkout =
      "^failed to checkout and determine revision: unable to (list remote for|clone) 'http.*git': ";
    const cases: [what: string, message: string, begin: () => void][] = [
      [
        'redirects in a circle',
        'http.* redirects more than 5 times$',
        () =>
          git.intercept(({ url = '' }, response) => {
            response.writeHead(302, { location: `/again${url}` }).end(SECRET);
            return true;
          }),
      ],
      [
        'redirects to what is no repository',
        'http.* redirects to .*, which is no repository',
        () =>
          git.intercept((_, response) => {
            response.writeHead(302, { location: '/login' }).end(SECRET);
            return true;
          }),
      ],
      [
        'is another kind of server by now',
        '',
        () =>
          git.intercept((_, response) => {
            response.writeHead(200, { 'content-type': 'text/html' });
            response.end(`<html>\n${SECRET}\n</html>\n`);
            return true;
          }),
      ],
      ['sends a pack that is none', '', () => fetches((response) => response.end(SECRET))],
      [
        'hangs in the middle of a fetch',
        'context deadline exceeded: no answer within 2s$',
        () => fetches((response) => response.write('0014acknowledgments\n')),
      ],
      [
        'breaks off in the middle of a fetch',
        '',
        () => fetches((response) => response.write('000dpackfile\n', () => response.destroy())),
      ],
    ];
    for (const [what, message, begin] of cases) {
      test(what, async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository(`faults-${++count}`);
        await repo.commit({ a: '1' });
        const url = `${git.url}/${repo.name}.git`;
        await apply(GitRepository, namespace, {
          ...{ interval: '1h', url, ref: { branch: 'main' }, timeout: '2s' },
        });
        await fails(
          namespace,
          {
            ...{ kind: GitRepository, reason: 'GitOperationFailed' },
            message: new RegExp(`${checkout}.*${message}`),
          },
          {
            async begin() {
              await repo.commit({ a: '2' });
              begin();
            },
            end: () => git.intercept(undefined),
          },
        );
      });
    }
  });

  describe('a registry that', () => {
    let sizeOfLayer = 0;
    const onBlob = (answer: (response: ServerResponse) => unknown) =>
      images.intercept(({ url = '' }, response) => {
        if (!url.includes('/blobs/')) return false;
        answer(response);
        return true;
      });
    const onManifest = (status: number, headers: Record<string, string>) =>
      images.intercept(({ url = '' }, response) => {
        if (!url.includes('/manifests/')) return false;
        response.writeHead(status, headers).end(SECRET);
        return true;
      });
    const layer = 'OCIArtifactLayerOperationFailed';
    const extract = '^failed to extract layer contents from artifact: GET http.*/blobs/sha256:.*: ';
    const cases: [what: string, reason: string, message: RegExp, begin: () => void][] = [
      [
        'sends another blob than it says',
        layer,
        new RegExp(`${extract}error verifying sha256 checksum`),
        () => onBlob((response) => response.end(SECRET.padEnd(sizeOfLayer))),
      ],
      [
        'sends half of a blob',
        layer,
        new RegExp(`${extract}the connection broke before the answer was whole$`),
        () =>
          onBlob((response) => {
            response.writeHead(200, { 'content-length': '100000' });
            response.write(SECRET, () => response.destroy());
          }),
      ],
      [
        'hangs in the middle of a blob',
        layer,
        new RegExp(`${extract}context deadline exceeded$`),
        () => onBlob((response) => response.write(SECRET)),
      ],
      [
        'wants to be asked much later',
        'OCIArtifactPullFailed',
        /429|TOOMANYREQUESTS|Too Many Requests/i,
        () => onManifest(429, { 'retry-after': '3600' }),
      ],
    ];
    for (const [what, reason, message, begin] of cases) {
      test(what, async () => {
        const namespace = await harness.namespace();
        const name = `faults-${++count}/app`;
        const push = (text: string) => {
          const content = tarGz([{ path: 'a.yaml', content: text }]);
          sizeOfLayer = content.length;
          return pushArtifact(registry, name, { tag: 'v1', layers: [{ content }] });
        };
        await push('1');
        const url = `oci://${images.host}/${name}`;
        const spec = { interval: '1h', url, ref: { tag: 'v1' }, insecure: true, timeout: '3s' };
        await apply(OCIRepository, namespace, spec);
        const expected = { kind: OCIRepository, reason, message };
        await fails(namespace, expected, {
          async begin() {
            await push('2');
            begin();
          },
          end: () => images.intercept(undefined),
        });
      });
    }
  });

  describe('a chart repository with', () => {
    const chart = (text: string) => tarGz([{ path: 'app/Chart.yaml', content: text }]);
    const good = (version: string) => chart(`apiVersion: v2\nname: app\nversion: ${version}\n`);
    const index = (...versions: string[]) =>
      `apiVersion: v1\nentries:\n  app:\n${versions.map((it) => `  - {name: app, version: ${it}, urls: [app-${it}.tgz]}\n`).join('')}`;
    const paths = () => `/faults-${++count}`;

    const indexes: [what: string, content: string, reason: string, message: RegExp][] = [
      ['an index that is no YAML', 'a: b: c: [', 'IndexationFailed', /^failed to load Helm repo/],
      [
        'an index that is too large',
        index('1.0.0').padEnd(MAX_INDEX + 1, '#'),
        'Failed',
        /^failed to fetch Helm repository index: .*exceeds the maximum index file size of 20000/,
      ],
      [
        'an index without a version',
        'entries: {}',
        'IndexationFailed',
        /no API version specified$/,
      ],
    ];
    for (const [what, content, reason, message] of indexes) {
      test(what, async () => {
        const namespace = await harness.namespace();
        const path = paths();
        charts.put(`${path}/index.yaml`, index('1.0.0'));
        await apply(HelmRepository, namespace, { interval: '1h', url: `${charts.url}${path}` });
        await fails(
          namespace,
          { kind: HelmRepository, reason, message },
          {
            begin: () => charts.put(`${path}/index.yaml`, content),
            end: () => charts.put(`${path}/index.yaml`, index('1.1.0', '1.0.0')),
          },
        );
      });
    }

    const packages: [what: string, content: Buffer, message: RegExp][] = [
      ['a package that is none', Buffer.from(SECRET), /./],
      ['a package without Chart.yaml', tarGz([{ path: 'app/x', content: '' }]), /Chart\.yaml/],
      ['a package of half the size', good('1.1.0').subarray(0, 60), /./],
    ];
    for (const [what, content, message] of packages) {
      test(what, async () => {
        const namespace = await harness.namespace();
        const path = paths();
        charts.put(`${path}/index.yaml`, index('1.0.0'));
        charts.put(`${path}/app-1.0.0.tgz`, good('1.0.0'));
        await apply(HelmRepository, namespace, { interval: '1h', url: `${charts.url}${path}` });
        await run(HelmRepository, namespace);
        const sourceRef = { kind: 'HelmRepository', name: 'app' };
        const spec = { interval: '1h', chart: 'app', version: '1.x', sourceRef };
        await apply(HelmChart, namespace, spec);
        await fails(
          namespace,
          { kind: HelmChart, reason: 'ChartPullError', message },
          {
            async begin() {
              charts.put(`${path}/app-1.1.0.tgz`, content);
              charts.put(`${path}/index.yaml`, index('1.1.0', '1.0.0'));
              await run(HelmRepository, namespace);
            },
            end: () => charts.put(`${path}/app-1.1.0.tgz`, good('1.1.0')),
          },
        );
      });
    }
  });
});
