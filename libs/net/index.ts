export { type AddressClass, AddressRefused, addressClass, checkAddress } from './address.ts';
export {
  type ConnectionOptions,
  type Connections,
  createContext,
  keepConnections,
  type TlsOptions,
} from './connections.ts';
export { exchangeJson, type JsonAnswer, type JsonRequest } from './json.ts';
export {
  type AddressPolicy,
  allowedLookup,
  checkHost,
  type Resolver,
  resolveAllowed,
} from './lookup.ts';
export { staysPrivate } from './private.ts';
export { type Environment, proxyFor } from './proxy.ts';
export { AnswerTooLarge, readBounded } from './read.ts';
export { followRedirects, RedirectRefused } from './redirects.ts';
export { openRequest, type RequestPolicy } from './request.ts';
export { connectionProblem, discard, type SentRequest, sendRequest } from './send.ts';
export { isTlsFailure, OPERATORS_AUTHORITIES, tlsProblem } from './tls.ts';
