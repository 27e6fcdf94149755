import type { Provider } from '@weir/api';
import type { SecretData } from '@weir/kube';
import type { Certificates } from './certificates.ts';

/** Where a provider's messages are sent and with which credentials: its spec together with its Secrets. */
export interface Target {
  /** Namespace of the Provider, for which connections are made. */
  namespace: string;
  /** Who the Provider is, and itself: for what is named after it. */
  provider: { uid: string; commitStatusExpr?: string; object: Provider };
  /** Empty where the type wants none. */
  address: string;
  channel?: string;
  username?: string;
  password?: string;
  /** Without white space around it. */
  token?: string;
  headers: Record<string, string>;
  proxy?: string;
  tls?: Certificates;
  /** The Secret as it is, for types with keys of their own. */
  secret?: SecretData;
}
