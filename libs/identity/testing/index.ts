export {
  ACCOUNT,
  ACR,
  APPLICATION,
  type CloudHosts,
  CODE_COMMIT,
  ECR,
  EMAIL,
  ROLE,
  STS,
  startCloudHosts,
} from './cloud-hosts.ts';
export {
  type Clouds,
  type CloudsOptions,
  NODE_CLIENT,
  POD_TOKEN,
  POOL,
  startClouds,
} from './clouds.ts';
export { unsignedToken } from './jwt.ts';
export type { CloudCall, Fault } from './server.ts';
export { startVendorHosts, type VendorHost, type VendorHosts } from './vendor-hosts.ts';
