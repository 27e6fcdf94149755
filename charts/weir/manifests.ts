// Objects that the tests of the running chart apply, as JSON.

export function manifest(
  apiVersion: string,
  kind: string,
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  },
  fields: object = {},
): string {
  return JSON.stringify({ apiVersion, kind, metadata, ...fields });
}

export function secret(namespace: string, name: string, stringData: object): string {
  return manifest('v1', 'Secret', { namespace, name }, { stringData });
}

export function gitRepository(
  namespace: string,
  name: string,
  url: string,
  spec: object = {},
): string {
  return manifest(
    'source.toolkit.fluxcd.io/v1',
    'GitRepository',
    { namespace, name },
    {
      spec: { url, interval: '1h', ref: { branch: 'main' }, ...spec },
    },
  );
}

export function ociRepository(namespace: string, name: string, spec: object): string {
  const metadata = { namespace, name };
  return manifest('source.toolkit.fluxcd.io/v1', 'OCIRepository', metadata, {
    spec: { interval: '1h', ...spec },
  });
}

export function bucket(namespace: string, name: string, endpoint: string): string {
  const spec = { endpoint, bucketName: 'objects', interval: '1h', insecure: true };
  return manifest('source.toolkit.fluxcd.io/v1', 'Bucket', { namespace, name }, { spec });
}

export function helmRepository(namespace: string, name: string, url: string): string {
  const spec = { url, interval: '1h' };
  return manifest('source.toolkit.fluxcd.io/v1', 'HelmRepository', { namespace, name }, { spec });
}

/** A chart from the folder `chart` of a GitRepository. */
export function helmChart(namespace: string, name: string, repository: string): string {
  const sourceRef = { kind: 'GitRepository', name: repository };
  const spec = { chart: 'chart', interval: '1h', sourceRef };
  return manifest('source.toolkit.fluxcd.io/v1', 'HelmChart', { namespace, name }, { spec });
}

/** Releases the HelmChart of the same name. */
export function helmRelease(namespace: string, name: string, spec: object = {}): string {
  return manifest(
    'helm.toolkit.fluxcd.io/v2',
    'HelmRelease',
    { namespace, name },
    {
      spec: { chartRef: { kind: 'HelmChart', name }, interval: '1h', ...spec },
    },
  );
}

/** It has the label `team: a`, as Alerts may select by labels. */
export function kustomization(namespace: string, name: string, spec: object = {}): string {
  const metadata = { namespace, name, labels: { team: 'a' } };
  return manifest('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', metadata, {
    spec: {
      sourceRef: { kind: 'GitRepository', name },
      path: './app',
      interval: '1h',
      prune: true,
      targetNamespace: namespace,
      ...spec,
    },
  });
}

export function provider(namespace: string, name: string, spec: object): string {
  return manifest('notification.toolkit.fluxcd.io/v1', 'Provider', { namespace, name }, { spec });
}

/** An Alert about every Kustomization of the namespace with the label `team: a`. */
export function alert(namespace: string, name: string, providerName: string): string {
  const eventSources = [{ kind: 'Kustomization', name: '*', matchLabels: { team: 'a' } }];
  const spec = { providerRef: { name: providerName }, eventSources };
  return manifest('notification.toolkit.fluxcd.io/v1', 'Alert', { namespace, name }, { spec });
}

/** An ImageRepository that policies of every namespace may use. */
export function imageRepository(namespace: string, name: string, spec: object): string {
  const metadata = { namespace, name };
  return manifest('image.toolkit.fluxcd.io/v1', 'ImageRepository', metadata, {
    spec: { interval: '1h', accessFrom: { namespaceSelectors: [{}] }, ...spec },
  });
}

export function imagePolicy(namespace: string, name: string, imageRepositoryRef: object): string {
  const spec = { imageRepositoryRef, policy: { semver: { range: '*' } } };
  return manifest('image.toolkit.fluxcd.io/v1', 'ImagePolicy', { namespace, name }, { spec });
}

/** An automation that writes the choices of policies into the repository of the GitRepository `source`. */
export function imageUpdateAutomation(namespace: string, name: string, source: string): string {
  const author = { name: 'bot', email: 'bot@example.com' };
  const spec = {
    interval: '1h',
    sourceRef: { kind: 'GitRepository', name: source },
    git: { commit: { author } },
    update: { path: './', strategy: 'Setters' },
  };
  const kind = 'ImageUpdateAutomation';
  return manifest('image.toolkit.fluxcd.io/v1', kind, { namespace, name }, { spec });
}

/** A webhook that requests a reconcile of the GitRepository `app`, with the token of the Secret `name`. */
export function webhook(namespace: string, name: string): string {
  const resources = [{ kind: 'GitRepository', name: 'app' }];
  const spec = { type: 'generic', secretRef: { name }, resources };
  return manifest('notification.toolkit.fluxcd.io/v1', 'Receiver', { namespace, name }, { spec });
}
