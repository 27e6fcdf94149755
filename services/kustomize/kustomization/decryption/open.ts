// Opens the decryption for one build, with the key management services that it may ask.
import { keepConnections } from '@weir/net';
import { createDecryption, type Decryption } from '@weir/render';
import type { Environment } from '../environment.ts';
import { withinBudget } from './budget.ts';
import type { Credentials } from './credentials.ts';
import { createUnwrap } from './unwrap.ts';

/** The caller closes it when the build is over, which ends the process that has the keys. */
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
