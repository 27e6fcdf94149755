// The chart's NATS servers as a cluster: no server can join without the password and a certificate of the cluster's
// authority.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectBus } from '@weir/bus';
import { buildTools, freePort, run, until } from '@weir/cluster';
import { createLogger, createMetrics } from '@weir/telemetry';
import { find, NATS_ENVIRONMENT, natsConfiguration, PASSWORDS, render } from './testing.ts';

const CLUSTER = ['nats.replicas=3', 'nats.tls.enabled=true'];
const soon = (message: string) => ({ timeoutMs: 20_000, message });
let binary = '';

before(async () => {
  binary = (await buildTools(['nats-server'])).get('nats-server') ?? '';
});

interface Member {
  ports: { client: number; route: number; monitor: number };
  folder: string;
  config: string;
  env: Record<string, string>;
}

/** The rendered configuration, with folders and ports of this machine instead of those of a pod. */
async function member(root: string, name: string, values: readonly string[]): Promise<Member> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  const ports = { client: await freePort(), route: await freePort(), monitor: await freePort() };
  const config = (await natsConfiguration(...values))
    .replace('port: 4222', `listen: 127.0.0.1:${ports.client}`)
    .replace('port: 6222', `listen: 127.0.0.1:${ports.route}`)
    .replace('http_port: 8222', `http: 127.0.0.1:${ports.monitor}`)
    .replace('/data', join(folder, 'data'))
    .replaceAll('/etc/nats-tls', folder);
  return { ports, folder, config, env: { ...NATS_ENVIRONMENT, POD_NAME: name, NATS_ROUTES: '[]' } };
}

/** Writes the certificates from one rendering of the chart: without a cluster, each rendering makes new ones. */
async function writeCertificates(folders: readonly string[], values: readonly string[]) {
  const { data } = find(await render(...values), 'Secret', 'weir-nats-tls');
  const files = Object.entries(data as Record<string, string>);
  assert.deepEqual(files.map(([name]) => name).sort(), ['ca.crt', 'tls.crt', 'tls.key']);
  for (const folder of folders) {
    for (const [name, content] of files)
      await writeFile(join(folder, name), Buffer.from(content, 'base64'));
  }
}

describe('the configuration of NATS', () => {
  const sets = [[], ['nats.replicas=3'], ['nats.auth.enabled=false'], ['nats.tls.enabled=true']];
  for (const values of [...sets, CLUSTER]) {
    it(`is valid with ${values.join(' ') || 'the defaults'}`, async () => {
      const root = await mkdtemp(join(tmpdir(), 'weir-chart-'));
      const { folder, config, env } = await member(root, 'one', values);
      if (config.includes('cert_file')) await writeCertificates([folder], values);
      const file = join(folder, 'nats.conf');
      await writeFile(file, config);
      const { code, stderr } = await run(binary, ['-t', '-c', file], { env });
      await rm(root, { recursive: true });
      assert.equal(code, 0, stderr);
    });
  }

  it('finds the servers by their names, with the password of the routes', async () => {
    const [container] = Object(find(await render(...CLUSTER), 'StatefulSet', 'weir-nats')).spec
      .template.spec.containers;
    const env = new Map<string, { value?: string; valueFrom?: object }>(
      container.env.map((variable: { name: string }) => [variable.name, variable]),
    );
    const routes = JSON.parse(env.get('NATS_ROUTES')?.value ?? '');
    assert.deepEqual(
      routes,
      [0, 1, 2].map(
        (n) =>
          `nats://routes:$(NATS_PASSWORD_ROUTES)@weir-nats-${n}.weir-nats-peers.weir-system.svc.cluster.local:6222`,
      ),
    );
    const names = [...env.keys()];
    assert.ok(
      names.indexOf('NATS_PASSWORD_ROUTES') < names.indexOf('NATS_ROUTES'),
      'Kubernetes puts a variable into a later one only',
    );
    const { data } = find(await render(...CLUSTER), 'Secret', 'weir-nats-auth');
    assert.ok(Object.keys(Object(data)).includes('routes'));
  });

  it('takes certificates that somebody brings, or cert-manager makes', async () => {
    const own = await render(...CLUSTER, 'nats.tls.existingSecret=mine');
    assert.ok(!own.some(({ metadata }) => metadata.name === 'weir-nats-tls'));
    assert.match(JSON.stringify(find(own, 'StatefulSet', 'weir-nats')), /"secretName":"mine"/);
    const issued = await render(...CLUSTER, 'nats.tls.issuerRef.name=ca');
    const { spec } = find(issued, 'Certificate', 'weir-nats-tls');
    assert.deepEqual(Object(spec).issuerRef, { name: 'ca' });
    assert.ok(Object(spec).dnsNames.includes('*.weir-nats-peers.weir-system.svc.cluster.local'));
    assert.ok(!issued.some(({ kind, metadata }) => kind === 'Secret' && /tls/.test(metadata.name)));
  });
});

describe('the servers of a cluster', () => {
  let root: string;
  const children: ChildProcess[] = [];
  const members: Member[] = [];

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'weir-chart-'));
    for (const name of ['one', 'two']) {
      members.push(await member(root, name, CLUSTER));
    }
    const [one, two] = members;
    assert.ok(one && two);
    await writeCertificates([one.folder, two.folder], CLUSTER);
    for (const each of [one, two]) {
      each.env.NATS_ROUTES = routesTo([one, two], PASSWORDS.routes ?? '');
      await start(each);
    }
  });
  after(async () => {
    for (const child of children) await stop(child);
    await rm(root, { recursive: true, force: true });
  });

  function routesTo(others: readonly Member[], password: string): string {
    const login = password === '' ? '' : `routes:${password}@`;
    return JSON.stringify(others.map(({ ports }) => `nats://${login}127.0.0.1:${ports.route}`));
  }

  async function start({ folder, config, env, ports }: Member): Promise<ChildProcess> {
    const file = join(folder, 'nats.conf');
    await writeFile(file, config);
    const args = ['-c', file, '--log', join(folder, 'log')];
    const child = spawn(binary, args, { env, stdio: 'ignore' });
    children.push(child);
    await until(() => fetch(`http://127.0.0.1:${ports.monitor}/varz`), soon('the server'));
    return child;
  }

  async function stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** The names of the servers to which a server has a route. */
  async function joined({ ports }: Member): Promise<string[]> {
    const response = await fetch(`http://127.0.0.1:${ports.monitor}/routez`);
    const { routes = [] } = (await response.json()) as { routes?: { remote_name: string }[] };
    return [...new Set(routes.map(({ remote_name }) => remote_name))];
  }

  function known(index: number): Member {
    const found = members[index];
    assert.ok(found);
    return found;
  }

  it('find each other', async () => {
    await until(async () => (await joined(known(0))).includes('two'), soon('the route'));
    assert.deepEqual(await joined(known(1)), ['one']);
  });

  /** A server that knows the addresses of the others, while its own address is unknown to them. */
  async function stranger(name: string, password: string): Promise<Member> {
    const one = await member(root, name, CLUSTER);
    one.env.NATS_PASSWORD_ROUTES = password || 'punknown';
    one.env.NATS_ROUTES = routesTo([known(0), known(1)], password);
    await shareCertificate(one);
    return one;
  }

  it('let another one in that has the certificate and the password', async () => {
    const child = await start(await stranger('third', PASSWORDS.routes ?? ''));
    for (const index of [0, 1]) {
      await until(async () => (await joined(known(index))).includes('third'), soon('the route'));
    }
    await stop(child);
  });

  for (const password of ['wrong', '']) {
    const which = password === '' ? 'no' : 'a wrong';
    it(`keep out a stranger with the certificate and ${which} password`, async () => {
      await keptOut(await stranger(`${which} password`.replaceAll(' ', '-'), password), /auth/i);
    });
  }

  it('keep out a stranger with the password and a certificate of another authority', async () => {
    const impostor = await stranger('impostor', PASSWORDS.routes ?? '');
    await writeCertificates([impostor.folder], CLUSTER);
    impostor.config = impostor.config.replace('verify: true', 'verify: false');
    await keptOut(impostor, /certificate/i);
  });

  it('keep out a stranger with the password and without TLS', async () => {
    const plain = await stranger('plain', PASSWORDS.routes ?? '');
    plain.config = plain.config.replace(/(cluster \{[\s\S]*?)\n {2}tls \{[^}]*\}/, '$1');
    await keptOut(plain, /tls/i);
  });

  it('take services over TLS that know their authority, and no others', async () => {
    const { ports, folder } = known(0);
    const servers = `tls://source:${PASSWORDS.source}@127.0.0.1:${ports.client}`;
    const log = createLogger({ service: 'chart-test', level: 'silent' });
    const metrics = createMetrics({ service: 'chart-test' });
    const identity = { servers, cluster: 'test', name: 'test', owns: [], log, metrics };
    const bus = await connectBus({ ...identity, tls: { caFile: join(folder, 'ca.crt') } });
    await bus.ready;
    await bus.close();
    const suspicious = await connectBus(identity);
    await assert.rejects(suspicious.available(AbortSignal.timeout(1_500)), {
      name: 'TimeoutError',
    });
    await suspicious.close();
  });

  async function shareCertificate({ folder }: Member): Promise<void> {
    for (const file of ['ca.crt', 'tls.crt', 'tls.key']) {
      await copyFile(join(known(0).folder, file), join(folder, file));
    }
  }

  /** Starts the server, and waits until a server of the cluster has refused it. */
  async function keptOut(one: Member, why: RegExp): Promise<void> {
    const log = join(known(0).folder, 'log');
    const { length } = await readFile(log, 'utf8');
    const child = await start(one);
    const refused = async () => why.test((await readFile(log, 'utf8')).slice(length));
    await until(refused, soon('a line about the refusal'));
    const name = one.env.POD_NAME ?? '';
    for (const index of [0, 1]) assert.ok(!(await joined(known(index))).includes(name));
    assert.deepEqual(await joined(one), []);
    await stop(child);
  }
});
