import { generateKeyPairSync } from 'node:crypto';
import type { SshKey } from '@weir/cluster';

/** An ed25519 key in PKCS #8, in which Go programs write it; `ssh-keygen` can't. */
export function ed25519InPkcs8(): SshKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  // The last 32 bytes of its public part are the key itself.
  const own = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const type = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1');
  return {
    private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    public: `ssh-ed25519 ${Buffer.concat([type, own]).toString('base64')}`,
  };
}
