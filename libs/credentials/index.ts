export {
  type NamedSecret,
  proxyOf,
  readLoginSecret,
  readNamedSecret,
  readPullSecrets,
  tlsOf,
} from './secrets.ts';
