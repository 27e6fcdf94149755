// The configuration of ssh for one conversation.

/** What authenticates both sides of a conversation over SSH. */
export interface SshCredentials {
  /** `git` unless given. */
  user?: string;
  /** A private key: PEM or OpenSSH's own format. */
  identity: string;
  /** What decrypts it, if it is encrypted. */
  passphrase?: string;
  /** The host keys that are accepted, in the format of OpenSSH's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
  knownHosts: string;
}

/** The server of one conversation. */
export interface SshServer {
  /** As in the URL, without brackets: the name whose host key is checked. */
  host: string;
  port: number;
  /** A checked address of that host: ssh resolves nothing. */
  address: string;
  /** Milliseconds for making the connection. */
  timeoutMs: number;
}

interface ConfigFiles {
  identity: string;
  knownHosts: string;
}

/**
 * The configuration (ssh_config(5)). Host and user were checked when the URL was parsed. The host key is looked up
 * under the name in the URL: all lines in the file are for that host and port.
 */
export function sshConfig(server: SshServer, user: string, files: ConfigFiles): string {
  const { host, address, timeoutMs } = server;
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const settings: [name: string, value: string | number][] = [
    ['HostName', address],
    ['HostKeyAlias', host.toLowerCase()],
    ['User', user],
    ['IdentityFile', quotePath(files.identity)],
    ['IdentitiesOnly', 'yes'],
    ['IdentityAgent', 'none'],
    ['CertificateFile', 'none'],
    ['PKCS11Provider', 'none'],
    ['AddKeysToAgent', 'no'],
    ['UserKnownHostsFile', quotePath(files.knownHosts)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', 'yes'],
    ['CheckHostIP', 'no'],
    ['UpdateHostKeys', 'no'],
    ['VerifyHostKeyDNS', 'no'],
    ['NoHostAuthenticationForLocalhost', 'no'],
    ['BatchMode', 'yes'],
    ['PreferredAuthentications', 'publickey'],
    ['PasswordAuthentication', 'no'],
    ['KbdInteractiveAuthentication', 'no'],
    ['HostbasedAuthentication', 'no'],
    ['ClearAllForwardings', 'yes'],
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ['Tunnel', 'no'],
    ['PermitLocalCommand', 'no'],
    ['ProxyCommand', 'none'],
    ['ProxyJump', 'none'],
    ['ControlMaster', 'no'],
    ['ControlPath', 'none'],
    ['CanonicalizeHostname', 'no'],
    ['RequestTTY', 'no'],
    ['EscapeChar', 'none'],
    ['ConnectionAttempts', 1],
    ['ConnectTimeout', seconds],
    // Makes ssh end by itself a little after the time limit, in case this process is gone by then.
    ['ServerAliveInterval', 15],
    ['ServerAliveCountMax', Math.ceil(seconds / 15) + 1],
    ['LogLevel', 'ERROR'],
  ];
  return settings.map(([name, value]) => `${name} ${value}\n`).join('');
}

/** A path in ssh's configuration, where '%' and '~' stand for something else. */
function quotePath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
