export {
  type Answer,
  type Client,
  type ClientOptions,
  type GetOptions,
  openClient,
  type Validators,
} from './client.ts';
export { HelmError, type HelmReason } from './errors.ts';
export { chartUrl, indexUrl, normalizeUrl } from './url.ts';
