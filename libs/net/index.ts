export { type AddressClass, AddressRefused, addressClass, checkAddress } from './address.ts';
export {
  type AddressPolicy,
  allowedLookup,
  checkHost,
  type Resolver,
  resolveAllowed,
} from './lookup.ts';
export { openRequest } from './request.ts';
