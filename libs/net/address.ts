import { BlockList, isIP } from 'node:net';

/** Why an address is refused for connections on behalf of a tenant. */
export type AddressClass =
  | 'loopback'
  | 'link-local'
  | 'unspecified'
  | 'multicast'
  | 'reserved'
  | 'cloud metadata';

// IANA's special-purpose registries (RFC 6890). IPv4-mapped IPv6 addresses match the rules for IPv4: BlockList sees to
// that. The forms of NAT64 (64:ff9b::/96, RFC 6052) and 6to4 (2002::/16, RFC 3056) that carry such an IPv4 address are
// listed, as a gateway would turn them into it. Private networks are missing on purpose: services of the cluster live there.
const ranges: [kind: AddressClass, networks: string[]][] = [
  [
    'cloud metadata',
    [
      '169.254.169.254/32',
      // Alibaba Cloud, Oracle Cloud, Azure's wire server, AWS and Google Cloud over IPv6.
      '100.100.100.200/32',
      '192.0.0.192/32',
      '168.63.129.16/32',
      'fd00:ec2::254/128',
      'fd20:ce::254/128',
      '64:ff9b::a9fe:a9fe/128',
      '2002:a9fe:a9fe::/48',
    ],
  ],
  ['loopback', ['127.0.0.0/8', '::1/128', '64:ff9b::7f00:0/104', '2002:7f00::/24']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10', '64:ff9b::a9fe:0/112', '2002:a9fe::/32']],
  ['unspecified', ['0.0.0.0/8', '::/128', '64:ff9b::/104', '2002::/24']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  // The rest of IPv4 above multicast, the broadcast address among it, and IPv4-compatible addresses (RFC 4291, 2.5.5.1).
  ['reserved', ['240.0.0.0/4', '::/96']],
];

const lists = ranges.map(([kind, networks]) => ({ kind, list: blockList(networks) }));

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** The class of a refused IP address; undefined for an allowed one, which may be in a private network. */
export function addressClass(address: string): AddressClass | undefined {
  const plain = address.replace(/%.*$/, '');
  const family = familyOf(plain);
  return lists.find(({ list }) => list.check(plain, family))?.kind;
}

/** A host that is refused because of its address. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly reason = 'AddressRefused';
  readonly code = 'EADDRREFUSED';
  readonly host: string;

  constructor(host: string, address: string, kind: AddressClass) {
    const what = host === address ? `'${host}' is` : `'${host}' resolves to ${address},`;
    super(
      `${what} a ${kind} address, which is refused; the flag --allow-local-addresses allows such addresses`,
    );
    this.host = host;
  }
}

/**
 * Checks an IP address before a connection to it.
 * @param host the name that led to it, for the message
 * @throws AddressRefused for loopback, link-local, unspecified, multicast, reserved and metadata addresses
 */
export function checkAddress(address: string, host = address): void {
  const kind = addressClass(address);
  if (kind !== undefined) throw new AddressRefused(host, address, kind);
}
