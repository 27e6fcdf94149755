import { type ConnectionOptions, type Connections, keepConnections } from '@weir/net';
import { ObjectStoreError } from './errors.ts';

/** Requests to a bucket at a time; each holds a connection. */
const MAX_SOCKETS = 32;

/** @throws ObjectStoreError InvalidConfiguration for certificates that can't be used */
export function connect(options: ConnectionOptions): Connections {
  try {
    return keepConnections({ ...options, maxSockets: options.maxSockets ?? MAX_SOCKETS });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `the certificates can't be used: ${why}`;
    throw new ObjectStoreError('InvalidConfiguration', what, cause);
  }
}
