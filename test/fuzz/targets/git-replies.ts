// The answers of a Git server: an attacker may control every byte of them.

import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchCommit, GitError, listRemote } from '@weir/git';
import fc from 'fast-check';
import { mutatedBytes } from '../mutate.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';

interface Reply {
  status: number;
  type: string;
  body: Buffer;
  /** Whether the connection ends before the body does. */
  isCut: boolean;
}

interface Input {
  refs: Reply;
  pack: Reply;
}

const SECRET = 'secret-of-an-inner-service';
const QUOTED = 'a message quotes the server';
const UNBOUND = 'a name of a reference is taken as it is';
const TIMEOUT_MS = 5_000;
const COMMIT = 'c0ffee'.padEnd(40, '0');

const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const ADVERTISED = `${line('# service=git-upload-pack\n')}0000${line(`${COMMIT} HEAD\0multi_ack side-band-64k ofs-delta shallow agent=git/2\n`)}${line(`${COMMIT} refs/heads/main\n`)}${line(`${COMMIT} refs/tags/v1\n`)}0000`;
const VERSION_2 = `${line('# service=git-upload-pack\n')}0000${line('version 2\n')}${line('agent=git/2\n')}${line('ls-refs=unborn\n')}${line('fetch=shallow filter\n')}${line('object-format=sha1\n')}0000`;
const LISTED = `${line(`${COMMIT} HEAD symref-target:refs/heads/main\n`)}${line(`${COMMIT} refs/heads/main\n`)}0000`;
const PACK = `${line('shallow-info\n')}${line(`shallow ${COMMIT}\n`)}0001${line('packfile\n')}${line('\x01PACK\0\0\0\x02\0\0\0\x01')}${line('\x02progress\n')}${line(`\x03${SECRET}\n`)}0000`;

const WORDS = [
  ...[
    '0000',
    '0001',
    '0002',
    '0003',
    'ffff',
    '0004',
    'PACK',
    '\0',
    '\n',
    `ERR ${SECRET}\n`,
    SECRET,
  ],
  ...[line(`ERR ${SECRET}\n`), line('version 3\n'), line('NAK\n'), line('unpack ok\n'), '../../x'],
  ...[line(`${COMMIT} refs/heads/../../x\n`), line(`${COMMIT} refs/heads/-x\n`), '-'.repeat(40)],
  ...['0'.repeat(40), 'sha256', line(`remote: ${SECRET}\n`), 'refs/'.repeat(2_000), '\x1b[31m'],
];

function reply(contents: readonly string[], type: string): fc.Arbitrary<Reply> {
  return fc.record({
    status: fc.constantFrom(200, 200, 200, 200, 200, 200, 204, 301, 401, 404, 500, 418),
    type: fc.constantFrom(type, type, type, type, 'text/html', 'x'.repeat(300)),
    body: mutatedBytes(
      contents.map((it) => Buffer.from(it, 'latin1')),
      WORDS,
    ),
    isCut: fc.constantFrom(false, false, false, true),
  });
}

export const gitReplies: Target<Input> = {
  name: 'git-replies',
  about: 'answers of a Git server to ls-remote and to a fetch',
  limits: { ms: 6 * TIMEOUT_MS, bytes: 400 * 1024 ** 2 },
  inputs: fc.record({
    refs: reply([ADVERTISED, VERSION_2], 'application/x-git-upload-pack-advertisement'),
    pack: reply([LISTED, PACK], 'application/x-git-upload-pack-result'),
  }),
  open,
  plants: { [QUOTED]: /shows what is secret/, [UNBOUND]: /is no name of a reference/ },
};

async function open(): Promise<Subject<Input>> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-fuzz-'));
  let now: Input | undefined;
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? now?.refs : now?.pack;
    request.resume();
    if (answer === undefined) return response.destroy();
    const headers = { 'content-type': answer.type, location: '/elsewhere' };
    response.writeHead(answer.status, headers).write(answer.body);
    if (answer.isCut) response.destroy();
    else response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/repo.git`;
  const remote = { url, timeoutMs: TIMEOUT_MS, network: { allowLocal: true } };
  return {
    async try(input, plant) {
      now = input;
      await allowed(plant, async () => {
        const refs = await listRemote(remote);
        const names = plant === UNBOUND ? ['../x', ...refs.keys()] : refs.keys();
        for (const name of names) checkName(name);
      });
      const repository = join(dir, 'repo.git');
      await allowed(plant, () => fetchCommit({ ...remote, dir: repository, commit: COMMIT }));
      await rm(repository, { recursive: true, force: true });
      const left = await readdir(dir);
      holds(left.length === 0, `files are left: ${left.join(', ')}`);
    },
    async close() {
      server.close().closeAllConnections();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Runs one operation, which may be refused. */
async function allowed(plant: string | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    refused(error, GitError);
    const message = plant === QUOTED ? `${error.message} ${SECRET}` : error.message;
    showsNothingOf(SECRET, message, 'the message');
    holds(!message.includes('\x1b'), 'the message has control characters');
  }
}

function checkName(name: string): void {
  const isName = /^(HEAD|refs\/[^\0\n]+)$/.test(name) && !name.includes('..');
  holds(isName, `${JSON.stringify(name.slice(0, 200))} is no name of a reference`);
}
