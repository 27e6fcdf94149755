import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kinds } from '@weir/api';
import { grammar } from '../../services/host/catalogue.ts';
import { readCommandLine } from '../../services/host/command-line.ts';
import {
  CHART,
  find,
  helm,
  isWorkload,
  type Manifest,
  render,
  SERVICES,
  workloads,
} from './testing.ts';

describe('helm lint', () => {
  for (const values of [[], ['nats.enabled=false', 'nats.external.url=nats://a:4222']]) {
    it(`finds nothing wrong with ${values.join(' ') || 'the defaults'}`, async () => {
      const sets = values.map((value) => `--set=${value}`);
      const { code, stdout, stderr } = await helm(['lint', '--strict', CHART, ...sets]);
      assert.equal(code, 0, stdout + stderr);
    });
  }
});

describe('the schema of the values', () => {
  const refused: [string, RegExp][] = [
    ['services.sorce.replicas=2', /sorce/],
    ['services.source.replicas=-1', /replicas/],
    ['logLevel=loud', /logLevel/],
    ['nats.replicas=2', /replicas/],
    ['nats.jetstream.maxFile=lots', /maxFile/],
    ['services.source.args={artifact-port=1}', /args/],
    ['image.digest=latest', /digest/],
    ['nats.image.digest=latest', /digest/],
    ['multiTenant=yes', /multiTenant/],
    ['alerts.grouping=often', /grouping/],
  ];
  for (const [value, message] of refused) {
    it(`refuses ${value}`, async () => {
      const { code, stderr } = await helm(['template', 'weir', CHART, `--set=${value}`]);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    });
  }

  it('asks for the address of an external NATS', async () => {
    const { stderr } = await helm(['template', 'weir', CHART, '--set=nats.enabled=false']);
    assert.match(stderr, /nats\.external\.url is needed/);
  });
});

describe('the rendered objects', () => {
  it('are a Deployment, an account and rights for each service', async () => {
    const manifests = await render();
    for (const name of SERVICES) {
      const [deployment] = workloads([find(manifests, 'Deployment', `weir-${name}`)]);
      assert.equal(deployment?.spec.template.spec.containers[0]?.args[0], name);
      assert.equal(deployment?.spec.template.spec.serviceAccountName, `weir-${name}`);
      for (const kind of ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'RoleBinding']) {
        find(manifests, kind, `weir-${name}`);
      }
      const { rules } = find(manifests, 'ClusterRole', `weir-${name}`);
      assert.ok(Array.isArray(rules), `the rules of ${name} are a list`);
    }
  });

  it('give each service flags that it understands', async () => {
    const external = ['nats.enabled=false', 'nats.external.url=nats://a:4222'];
    const credentials = 'nats.external.credentialsSecret=nats';
    for (const values of [
      ['installCRDs=true', 'nats.replicas=3', 'multiTenant=true', 'objectIdentity=true'],
      [...external, credentials],
    ]) {
      const manifests = await render(...values);
      for (const name of SERVICES) {
        const { services, flags } = readCommandLine(argsOf(manifests, name), await grammar());
        assert.deepEqual(services, [name]);
        assert.equal(flags['health-port'], '9440');
      }
    }
  });

  it('group alerts in a new release, and in an upgraded one only where it did or a value says so', async () => {
    const grouping = async (...args: string[]) => {
      const { stdout, code, stderr } = await helm(['template', 'weir', CHART, ...args]);
      assert.equal(code, 0, stderr);
      return /--default-grouping=(\S+)/.exec(stdout)?.[1];
    };
    assert.equal(await grouping(), '30s');
    assert.equal(await grouping('--is-upgrade'), undefined);
    assert.equal(await grouping('--is-upgrade', '--set=alerts.grouping=1m'), '1m');
    assert.equal(await grouping('--set=alerts.grouping=0s'), '0s');
  });

  it('lock tenants in where multiTenant is set, and only there', async () => {
    const locks =
      /^--(?:no-cross-namespace-refs|default-(?:decryption-|kubeconfig-)?service-account)/;
    for (const name of SERVICES) {
      const locked = argsOf(await render('multiTenant=true'), name).filter((arg) =>
        locks.test(arg),
      );
      assert.deepEqual(locked, [
        '--no-cross-namespace-refs=true',
        '--default-service-account=default',
        ...(name === 'kustomize' ? ['--default-decryption-service-account=default'] : []),
      ]);
      assert.ok(!argsOf(await render(), name).some((arg) => locks.test(arg)));
    }
  });

  it('go to other clusters as the account of the namespace where tenants share one and accounts have identities', async () => {
    // This flag needs the feature gate of objectIdentity: with only one of the two, a service does not start.
    const flag = '--default-kubeconfig-service-account=default';
    for (const name of SERVICES) {
      const args = async (...values: string[]) => argsOf(await render(...values), name);
      const both = await args('multiTenant=true', 'objectIdentity=true');
      assert.equal(both.includes(flag), ['kustomize', 'helm-release'].includes(name), name);
      for (const value of ['multiTenant=true', 'objectIdentity=true']) {
        assert.ok(!(await args(value)).includes(flag), `${name} with ${value}`);
      }
    }
  });

  it('name the image by its digest where one is given, by its tag otherwise', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const pinned = await render('image.repository=r.example/weir', `image.digest=${digest}`);
    const tagged = await render('image.repository=r.example/weir', 'image.tag=1.2');
    for (const name of SERVICES) {
      assert.equal(containerOf(pinned, name)?.image, `r.example/weir@${digest}`);
      assert.equal(containerOf(tagged, name)?.image, 'r.example/weir:1.2');
    }
    const nats = await render(`nats.image.digest=${digest}`);
    const servers = workloads(nats).find(({ kind }) => kind === 'StatefulSet');
    assert.equal(servers?.spec.template.spec.containers[0]?.image, `nats@${digest}`);
  });

  it('are locked down: no root, nothing to write but caches, a token only where it is asked for', async () => {
    const manifests = await render();
    for (const { metadata, spec } of workloads(manifests)) {
      const pod = spec.template.spec;
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.equal(pod.securityContext.seccompProfile?.type, 'RuntimeDefault');
      assert.equal(pod.automountServiceAccountToken, metadata.name !== 'weir-nats');
      for (const { securityContext } of pod.containers) {
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
    for (const account of manifests.filter(({ kind }) => kind === 'ServiceAccount')) {
      assert.equal(account.automountServiceAccountToken, false, account.metadata.name);
    }
  });

  it('leave out a service that is not wanted, with everything of it', async () => {
    const manifests = await render(
      'services.image-automation.enabled=false',
      'nats.enabled=false',
      'nats.external.url=nats://a:4222',
    );
    const names = manifests.map(({ metadata }) => metadata.name);
    assert.deepEqual(
      names.filter((name) => /image-automation|nats/.test(name)),
      [],
    );
  });

  it('have budgets and spread only with several replicas', async () => {
    const one = await render();
    assert.deepEqual(
      one.filter(({ kind }) => kind === 'PodDisruptionBudget'),
      [],
    );
    const several = await render('services.source.replicas=3', 'nats.replicas=3');
    const budgets = several.filter(({ kind }) => kind === 'PodDisruptionBudget');
    assert.deepEqual(
      budgets.map(({ metadata }) => metadata.name),
      ['weir-source', 'weir-nats'],
    );
    const spread = workloads(several).filter(
      ({ spec }) => spec.template.spec.topologySpreadConstraints,
    );
    assert.deepEqual(spread.map(({ metadata }) => metadata.name).sort(), [
      'weir-nats',
      'weir-source',
    ]);
  });

  it('spread by the constraints that were given, each with the selector of its service', async () => {
    const manifests = await render(
      'services.source.replicas=2',
      'topologySpreadConstraints[0].topologyKey=zone',
      'topologySpreadConstraints[0].maxSkew=1',
      'topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule',
    );
    const [source] = workloads([find(manifests, 'Deployment', 'weir-source')]);
    assert.deepEqual(source?.spec.template.spec.topologySpreadConstraints, [
      {
        labelSelector: { matchLabels: source?.spec.selector.matchLabels },
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
      },
    ]);
  });

  it('select the pods that they are for', async () => {
    const manifests = await render('services.source.replicas=2', 'nats.replicas=3');
    const pods = workloads(manifests).map(({ spec }) => spec.template);
    for (const { kind, metadata, ...manifest } of manifests) {
      const selector = selectorOf(kind, manifest);
      if (!selector) continue;
      const matching = pods.filter((pod) => includes(pod.metadata.labels, selector));
      assert.equal(matching.length, 1, `${kind}/${metadata.name} selects one workload`);
    }
  });

  it('name only ports that containers have', async () => {
    const manifests = await render();
    const ports = new Set(
      workloads(manifests).flatMap(({ spec }) =>
        spec.template.spec.containers.flatMap((container) =>
          container.ports.map(({ name }) => name),
        ),
      ),
    );
    for (const manifest of manifests.filter(
      ({ kind }) => kind === 'Service' || kind === 'NetworkPolicy',
    )) {
      const named = JSON.stringify(manifest).matchAll(/"(?:targetPort|port)":"([^"]+)"/g);
      for (const [, port] of named)
        assert.ok(ports.has(port ?? ''), `${manifest.metadata.name}: ${port}`);
    }
  });

  it('keep artifacts where source says that they are', async () => {
    const manifests = await render('clusterDomain=example.test');
    const args = argsOf(manifests, 'source');
    assert.ok(args.includes('--artifact-address=weir-source.weir-system.svc.example.test.'));
    find(manifests, 'Service', 'weir-source');
    assert.ok(!argsOf(manifests, 'kustomize').some((arg) => arg.startsWith('--artifact')));
  });

  it('expose webhooks by an Ingress or a Gateway when asked to, and nothing but them', async () => {
    const isExposed = ({ kind }: { kind: string }) => kind === 'Ingress' || kind === 'HTTPRoute';
    assert.deepEqual((await render()).filter(isExposed), []);
    const manifests = await render(
      'webhooks.ingress.enabled=true',
      'webhooks.ingress.host=hooks.example.com',
      'webhooks.gateway.enabled=true',
      'webhooks.gateway.parentRefs[0].name=public',
    );
    const ingress = Object(find(manifests, 'Ingress', 'weir-webhooks').spec);
    const [path] = ingress.rules[0].http.paths;
    assert.deepEqual([path.path, path.pathType], ['/hook/', 'Prefix']);
    assert.deepEqual(path.backend.service, { name: 'weir-webhooks', port: { name: 'http' } });
    const route = Object(find(manifests, 'HTTPRoute', 'weir-webhooks').spec);
    assert.deepEqual(route.rules[0].matches, [{ path: { type: 'PathPrefix', value: '/hook/' } }]);
    const service = Object(find(manifests, 'Service', 'weir-webhooks').spec);
    assert.deepEqual(service.ports, [{ name: 'http', port: 80, targetPort: 'receivers' }]);
    const policy = Object(find(manifests, 'NetworkPolicy', 'weir-notification').spec);
    const [, events] = policy.ingress;
    assert.deepEqual(events, { ports: [{ port: 'events' }], from: [{ podSelector: {} }] });
  });

  it('may install definitions, those of the chart and no other', async () => {
    const manifests = await render('installCRDs=true');
    assert.ok(argsOf(manifests, 'source').includes('--install-crds'));
    const { rules } = find(manifests, 'ClusterRole', 'weir-crds');
    const names = kinds.map(({ plural, group }) => `${plural}.${group}`).sort();
    assert.deepEqual(Object(rules)[1].resourceNames, names);
    assert.ok(!(await render()).some(({ metadata }) => metadata.name === 'weir-crds'));
  });

  it('connect to an external NATS with a credentials file', async () => {
    const manifests = await render(
      'nats.enabled=false',
      'nats.external.url=tls://nats.example.com:4222',
      'nats.external.credentialsSecret=nats',
    );
    assert.ok(argsOf(manifests, 'source').includes('--nats-credentials=/etc/weir/nats/nats.creds'));
    const [source] = workloads([find(manifests, 'Deployment', 'weir-source')]);
    const env = source?.spec.template.spec.containers[0]?.env.find(
      ({ name }) => name === 'NATS_URL',
    );
    assert.equal(env?.value, 'tls://nats.example.com:4222');
  });

  it('have a dashboard that Grafana can read', async () => {
    const manifests = await render('dashboards.enabled=true');
    const { data } = find(manifests, 'ConfigMap', 'weir-dashboards');
    const { title, panels } = JSON.parse(Object(data)['weir.json']);
    assert.equal(title, 'Weir');
    const expressions = JSON.stringify(panels);
    for (const metric of [
      'gotk_reconcile_condition',
      'gotk_reconcile_duration_seconds',
      'weir_queue_objects',
    ]) {
      assert.ok(expressions.includes(metric), metric);
    }
  });

  it('let the Prometheus operator scrape every service', async () => {
    const manifests = await render('podMonitor.enabled=true');
    const { spec } = find(manifests, 'PodMonitor', 'weir');
    const { selector, podMetricsEndpoints } = Object(spec);
    const pods = workloads(manifests).filter(({ spec }) =>
      includes(spec.template.metadata.labels, selector.matchLabels),
    );
    assert.equal(podMetricsEndpoints[0].port, 'health');
    for (const name of SERVICES)
      assert.ok(pods.some(({ metadata }) => metadata.name === `weir-${name}`));
  });
});

function argsOf(manifests: readonly Manifest[], service: string): string[] {
  return containerOf(manifests, service)?.args ?? [];
}

function containerOf(manifests: readonly Manifest[], service: string) {
  const deployment = find(manifests, 'Deployment', `weir-${service}`);
  return isWorkload(deployment) ? deployment.spec.template.spec.containers[0] : undefined;
}

function selectorOf(
  kind: string,
  { spec }: { [field: string]: unknown },
): Record<string, string> | undefined {
  if (kind === 'Service') return Object(spec).selector;
  if (kind === 'NetworkPolicy') return Object(spec).podSelector.matchLabels;
  if (kind === 'PodDisruptionBudget' || kind === 'Deployment' || kind === 'StatefulSet') {
    return Object(spec).selector.matchLabels;
  }
  return undefined;
}

function includes(labels: Record<string, string>, selector: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
