import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRefused, addressClass, checkAddress } from './address.ts';

const refused: Record<string, string[]> = {
  loopback: ['127.0.0.1', '127.255.1.2', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  'link-local': ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1', '::ffff:169.254.1.1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '64:ff9b::0.0.0.0'],
  multicast: ['224.0.0.1', '239.1.1.1', 'ff02::1'],
  reserved: ['240.0.0.1', '255.255.255.255', '::127.0.0.1', '::a9fe:a9fe'],
  'cloud metadata': [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '100.100.100.200',
    'fd00:ec2::254',
  ],
};

test('addresses of this machine, of its link and of metadata services have a class', () => {
  for (const [kind, addresses] of Object.entries(refused)) {
    const found = addresses.map((address) => [address, addressClass(address)]);
    deepEqual(
      found,
      addresses.map((address) => [address, kind]),
    );
  }
  equal(addressClass('64:ff9b::127.0.0.1'), 'loopback');
  equal(addressClass('2002:7f00:1::'), 'loopback');
});

test('private networks and public addresses have none', () => {
  const allowed = ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '140.82.121.3'];
  const allowed6 = ['fd12::1', '2606:50c0::1', '::ffff:10.0.0.1', '64:ff9b::8c52:7903'];
  for (const address of [...allowed, ...allowed6]) equal(addressClass(address), undefined, address);
});

test('a refusal names the host, its address and the flag', () => {
  throws(
    () => checkAddress('169.254.169.254', 'git.example.com'),
    (error: unknown) => {
      match(String(error), /'git\.example\.com' resolves to 169\.254\.169\.254, a cloud metadata/);
      match(String(error), /--allow-local-addresses/);
      return error instanceof AddressRefused && error.host === 'git.example.com';
    },
  );
  throws(() => checkAddress('::1'), /'::1' is a loopback address/);
});
