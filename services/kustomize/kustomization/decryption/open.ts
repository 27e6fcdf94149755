// Opens what decrypts for one build, and asks key management services for it.
import { keepConnections } from '@weir/net';
import { createDecryption, type Decryption } from '@weir/render';
import type { Environment } from '../environment.ts';
import { withinBudget } from './budget.ts';
import type { Credentials } from './credentials.ts';
import { createUnwrap } from './unwrap.ts';

/** To be closed when the build is over: the keys end with it. */
export function openDecryption(
  { settings, log, decryption }: Pick<Environment, 'settings' | 'log' | 'decryption'>,
  credentials: Credentials,
): Decryption {
  const connections = keepConnections({
    allowLocal: settings.allowLocalAddresses,
    environment: process.env,
  });
  const unwrap = withinBudget(createUnwrap(decryption, credentials, connections));
  const opened = createDecryption({ keys: credentials.keys, unwrap, log });
  return {
    ...opened,
    close() {
      opened.close();
      connections.close();
    },
  };
}
