export { type ApiRequest, StatusError } from './api.ts';
export type { AuditEvent } from './audit.ts';
export { buildTool, buildTools, PEERS, TEST_TOOLS, type Tool } from './build.ts';
export {
  type Authority,
  createAuthority,
  createRsaCertificate,
  type KeyPair,
} from './certificates.ts';
export {
  type ChartRepository,
  type ChartRepositoryRequest,
  startChartRepository,
} from './chart-repository.ts';
export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export type { Component } from './components.ts';
export type { StopOptions } from './control.ts';
export { type CommandResult, run } from './exec.ts';
export {
  type ForwardProxy,
  type Front,
  type FrontRequest,
  type Intercept,
  startForwardProxy,
  startFront,
} from './front.ts';
export { type CommitOptions, type FileChange, git, gitEnvironment } from './git-repository.ts';
export {
  type GitServer,
  type GitServerAuth,
  type GitServerFault,
  type GitServerOptions,
  type GitServerRepository,
  type GitServerRequest,
  startGitServer,
} from './git-server.ts';
export { type Gitea, startGitea } from './gitea.ts';
export { isRunning } from './is-running.ts';
export { IMAGES } from './kwok.ts';
export { type BatchAnswer, type LfsServer, startLfsServer } from './lfs-server.ts';
export { type Listening, type ListenOptions, listen } from './listen.ts';
export { openCluster } from './open.ts';
export { type OtelCollector, startOtelCollector } from './otel-collector.ts';
export { type CollectedSpan, type Collector, startCollector } from './otlp.ts';
export { freePort } from './ports.ts';
export {
  REGISTRY_USER,
  type RegistryServer,
  type RegistryServerOptions,
  startRegistry,
} from './registry.ts';
export {
  S3_KEYS,
  S3_REGION,
  type S3Server,
  type S3ServerBucket,
  type S3ServerOptions,
  startS3Server,
} from './s3-server.ts';
export type { ServiceAccountName } from './service-account.ts';
export { type SocksProxy, startSocksProxy } from './socks-proxy.ts';
export {
  createSshKey,
  type SshKey,
  type SshServer,
  type SshServerOptions,
  startSshServer,
} from './ssh-server.ts';
export { startTagRegistry, type TagRegistry } from './tag-registry.ts';
export { proxyTo, type TcpProxy } from './tcp-proxy.ts';
export type { TokenServer } from './token-server.ts';
export { type UntilOptions, until } from './until.ts';
export { type ReceivedRequest, type Receiver, type Reply, startReceiver } from './webhooks.ts';
