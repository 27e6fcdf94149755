import { join } from 'node:path';
import type { Tool } from './build.ts';

/** The components of a cluster in the order of their start. */
export const COMPONENTS = [
  'etcd',
  'nats-server',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
] as const satisfies Tool[];
export type Component = (typeof COMPONENTS)[number];

/** The paths of a cluster's files, all below its data folder. */
export function layout(dir: string) {
  const pki = join(dir, 'pki');
  return {
    bin: join(dir, 'bin'),
    pki,
    etcdData: join(dir, 'etcd'),
    // etcd has no authentication here. It listens on a socket, which only the owner of the folder can reach.
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

/** The components that are clients of the API server, with their users. RBAC's defaults grant rights to the first two. */
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

/** The command line of a component. */
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
        // The node lifecycle controller is off, so nothing needs the heartbeats of nodes.
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
    // etcd requires an address with host and port here. No client uses it.
    '--advertise-client-urls=http://localhost:2379',
    // The data is removed with the cluster, so it need not survive a crash of the machine.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiserver(files: Layout, port: number, flags: Flags): string[] {
  return [
    `--etcd-servers=unix://${files.etcdSocket}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    // The address of the `kubernetes` service. Pods are fake here and call nobody.
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
    // This plugin taints new nodes until the node lifecycle controller, which is off here, removes the taint.
    '--disable-admission-plugins=TaintNodesByCondition',
    // Without this flag kube-apiserver waits for open watches for up to a minute after SIGTERM.
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
    // Each controller uses an account of its own, because RBAC's defaults grant rights only to these accounts.
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--secure-port=0',
    // The controllers that are off need a cloud, or heartbeats and networks of real nodes.
    '--controllers=*,-nodeipam,-nodelifecycle,-cloud-node-lifecycle,-route,-service,-ttl',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ];
}

/** The audit policy: each finished request is logged, without bodies. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
});

/** The configuration file of nats-server. `extra` is appended to it. */
export function natsConfig(files: Layout, port: number, extra = ''): string {
  return `listen: "127.0.0.1:${port}"
jetstream {
  store_dir: ${JSON.stringify(files.natsData)}
  max_file_store: 10GB
}
${extra}
`;
}
