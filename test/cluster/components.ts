import { join } from 'node:path';
import type { Tool } from './build.ts';

/** What runs in a cluster, in the order of its start. */
export const COMPONENTS = [
  'etcd',
  'nats-server',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
] as const satisfies Tool[];
export type Component = (typeof COMPONENTS)[number];

/** The files of a cluster, all below its data folder. */
export function layout(dir: string) {
  const pki = join(dir, 'pki');
  return {
    bin: join(dir, 'bin'),
    pki,
    etcdData: join(dir, 'etcd'),
    // A socket instead of a port: nobody but the owner of the folder can reach the unprotected etcd.
    etcdSocket: join(dir, 'etcd.sock'),
    etcdPeerSocket: join(dir, 'etcd-peer.sock'),
    ca: join(pki, 'ca.crt'),
    servingCertificate: join(pki, 'apiserver.crt'),
    servingKey: join(pki, 'apiserver.key'),
    tokenKey: join(pki, 'service-account.key'),
    tokenPublicKey: join(pki, 'service-account.pub'),
    auditPolicy: join(dir, 'audit-policy.yaml'),
    auditLog: join(dir, 'audit.log'),
    natsConfig: join(dir, 'nats.conf'),
    natsData: join(dir, 'nats'),
    kwokConfig: join(dir, 'kwok.yaml'),
    kubeconfig: (user: string) => join(dir, `${user.replaceAll(/[^\w.-]/g, '_')}.kubeconfig`),
  };
}
export type Layout = ReturnType<typeof layout>;

/** Components that are clients of the API server, with their users; Kubernetes' RBAC defaults know the first two. */
export const CLIENTS: { file: string; user: string; groups: string[] }[] = [
  { file: 'kube-controller-manager', user: 'system:kube-controller-manager', groups: [] },
  { file: 'kube-scheduler', user: 'system:kube-scheduler', groups: [] },
  { file: 'kwok', user: 'kwok', groups: ['system:masters'] },
];

export interface Ports {
  apiserver: number;
  nats: number;
}

export interface Flags {
  audit: boolean;
  apiserverFlags: string[];
}

/** Command line of a component. */
export function argumentsOf(
  component: Component,
  files: Layout,
  ports: Ports,
  flags: Flags,
): string[] {
  switch (component) {
    case 'etcd':
      return etcd(files);
    case 'kube-apiserver':
      return apiserver(files, ports.apiserver, flags);
    case 'kube-controller-manager':
      return controllerManager(files);
    case 'kube-scheduler':
      return [
        `--kubeconfig=${files.kubeconfig('kube-scheduler')}`,
        '--leader-elect=false',
        '--secure-port=0',
        '--kube-api-qps=500',
        '--kube-api-burst=1000',
      ];
    case 'kwok':
      return [
        `--kubeconfig=${files.kubeconfig('kwok')}`,
        `--config=${files.kwokConfig}`,
        '--manage-all-nodes=true',
        // Nothing here looks at heartbeats: the node lifecycle controller is off.
        '--node-lease-duration-seconds=0',
      ];
    case 'nats-server':
      return ['--config', files.natsConfig];
  }
}

function etcd(files: Layout): string[] {
  return [
    `--data-dir=${files.etcdData}`,
    `--listen-client-urls=unix://${files.etcdSocket}`,
    `--listen-peer-urls=unix://${files.etcdPeerSocket}`,
    // Must look like a host and port; nobody uses it.
    '--advertise-client-urls=http://localhost:2379',
    // The data ends with the cluster: a crash of the machine needs to lose nothing.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiserver(files: Layout, port: number, flags: Flags): string[] {
  return [
    `--etcd-servers=unix://${files.etcdSocket}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    // The address that the `kubernetes` service would lead to; pods here are fake and call nobody.
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${files.servingCertificate}`,
    `--tls-private-key-file=${files.servingKey}`,
    `--client-ca-file=${files.ca}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.tokenPublicKey}`,
    `--service-account-signing-key-file=${files.tokenKey}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--allow-privileged=true',
    // It taints a new node until the node lifecycle controller, which is off here, sees it ready.
    '--disable-admission-plugins=TaintNodesByCondition',
    // On SIGTERM it waits up to a minute for open watches; this makes it end them.
    '--shutdown-watch-termination-grace-period=1s',
    '--max-requests-inflight=4000',
    '--max-mutating-requests-inflight=2000',
    ...(flags.audit
      ? [`--audit-policy-file=${files.auditPolicy}`, `--audit-log-path=${files.auditLog}`]
      : []),
    ...flags.apiserverFlags,
  ];
}

function controllerManager(files: Layout): string[] {
  return [
    `--kubeconfig=${files.kubeconfig('kube-controller-manager')}`,
    `--service-account-private-key-file=${files.tokenKey}`,
    `--root-ca-file=${files.ca}`,
    // Each controller under an account of its own: only these have the rights that RBAC's defaults grant.
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--secure-port=0',
    // Those that want a cloud, or heartbeats and networks of real nodes.
    '--controllers=*,-nodeipam,-nodelifecycle,-cloud-node-lifecycle,-route,-service,-ttl',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ];
}

/** The audit policy that logs each finished request, without bodies. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
});

/** Configuration file of nats-server; `extra` is appended to it. */
export function natsConfig(files: Layout, port: number, extra = ''): string {
  return `listen: "127.0.0.1:${port}"
jetstream {
  store_dir: ${JSON.stringify(files.natsData)}
  max_file_store: 10GB
}
${extra}
`;
}
