import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSshKey, type SshKey } from '@weir/cluster';
import { withObjects } from './objects.ts';
import { readSignedCommit, readSignedTag, splitCommit, splitTag } from './signed-object.ts';
import { createTestRepository, type TestRepository } from './testing/index.ts';
import { verifySignature } from './verify.ts';

const timeoutMs = 20_000;

/** A home of GnuPG with keys of authors. */
async function createAuthors() {
  const home = await mkdtemp(join(tmpdir(), 'weir-gpg-'));
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--no-tty', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
  return {
    home,
    gpg,
    create(name: string, expires = '0', algorithm = 'ed25519') {
      const args = ['--passphrase', '', '--faked-system-time', '20240101T000000!'];
      gpg(
        ...args,
        '--quick-generate-key',
        `${name} <${name}@example.com>`,
        algorithm,
        'sign',
        expires,
      );
      const listed = gpg('--with-colons', '--list-keys', name);
      const id = /^fpr:+([0-9A-F]+):/m.exec(listed)?.[1] ?? '';
      return { id, public: gpg('--armor', '--export', id) };
    },
    async close() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
      await rm(home, { recursive: true, force: true });
    },
  };
}

describe('signatures', () => {
  let authors: Awaited<ReturnType<typeof createAuthors>>;
  let ada: { id: string; public: string };
  let eve: { id: string; public: string };
  let repository: TestRepository;
  let ssh: SshKey;
  let sshFile: string;

  before(async () => {
    authors = await createAuthors();
    ada = authors.create('ada');
    eve = authors.create('eve', '0', 'rsa2048');
    repository = await createTestRepository();
    await repository.commit({ a: '1' });
    ssh = await createSshKey();
    sshFile = join(authors.home, 'ssh-key');
    await writeFile(sshFile, ssh.private, { mode: 0o600 });
    process.env.GNUPGHOME = authors.home;
  });
  after(async () => {
    await authors?.close();
    await repository?.remove();
  });

  const dir = () => new URL(repository.url).pathname;
  async function read<T>(use: (objects: Parameters<typeof readSignedCommit>[0]) => Promise<T>) {
    await repository.git('push', '-f', '--tags', 'origin', 'HEAD');
    return withObjects({ dir: dir(), timeoutMs }, use);
  }
  async function sign(key: string, format = 'openpgp') {
    const program = `gpg.program=${await wrapper()}`;
    const args = ['-c', program, '-c', `gpg.format=${format}`, '-c', `user.signingKey=${key}`];
    await repository.git(...args, 'commit', '-S', '--allow-empty', '-m', 'Signed ä\n\nbody\n');
    const id = await repository.git('rev-parse', 'HEAD');
    return read((objects) => readSignedCommit(objects, id));
  }
  /** git starts gpg without the home of this test otherwise. */
  async function wrapper() {
    const file = join(authors.home, 'gpg.sh');
    await writeFile(file, `#!/bin/sh\nexec gpg --homedir '${authors.home}' "$@"\n`, {
      mode: 0o755,
    });
    return file;
  }
  const verify = (
    object: Parameters<typeof verifySignature>[0],
    openpgp: string[],
    keys: string[] = [],
  ) => verifySignature(object, { openpgp, ssh: keys }, { timeoutMs });
  const fails = (work: Promise<unknown>, message: RegExp) =>
    assert.rejects(work, { reason: 'SignatureInvalid', message });

  test('OpenPGP: a commit, by one key of several rings', async () => {
    const commit = await sign(ada.id);
    assert.equal(await verify(commit, [eve.public, ada.public]), ada.id.slice(-16));
    assert.equal(await verify(commit, ['broken', ada.public]), ada.id.slice(-16));
    await fails(verify(commit, [eve.public]), /any of the given key rings: no matching key/);
    await fails(verify(commit, ['broken']), /unable to read armored key ring/);
    await fails(verify(commit, [], [ssh.public]), /no PGP public keys found in secret/);
    const rsa = await sign(eve.id);
    assert.equal(await verify(rsa, [eve.public]), eve.id.slice(-16));
  });

  test('SSH: a commit, by one key of several', async () => {
    const commit = await sign(sshFile, 'ssh');
    const other = await createSshKey();
    const listed = execFileSync('ssh-keygen', ['-lf', '-'], { input: ssh.public }).toString();
    const fingerprint = /SHA256:\S+/.exec(listed)?.[0];
    const keys = [`# authors\n${other.public}\n`, `restrict ${ssh.public} ada@host\n`];
    assert.equal(await verify(commit, [], keys), fingerprint);
    await fails(verify(commit, [], [other.public]), /authorized keys: no matching key/);
    await fails(verify(commit, [], ['nothing']), /unable to parse authorized keys/);
    await fails(verify(commit, [ada.public]), /no SSH public keys found in secret/);
  });

  test('SSH: a signature for another purpose counts for nothing', async () => {
    const payload = Buffer.from('tree x\n');
    const signature = execFileSync(
      'ssh-keygen',
      ['-q', '-Y', 'sign', '-f', sshFile, '-n', 'file'],
      {
        input: payload,
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    ).toString();
    await fails(verify({ payload, signature }, [], [ssh.public]), /no matching key/);
  });

  test('a commit that was changed afterwards, or is not signed', async () => {
    const { payload, ...commit } = await sign(ada.id);
    const changed = Buffer.from(payload.toString().replace('body', 'b0dy'));
    await fails(
      verify({ ...commit, payload: changed }, [ada.public]),
      /does not match what is signed/,
    );
    await fails(verify({ payload, signature: undefined }, [ada.public]), /type: empty/);
    await fails(verify({ payload, signature: 'x' }, [ada.public]), /type: unknown/);
    const x509 = '-----BEGIN SIGNED MESSAGE-----\n';
    await fails(verify({ payload, signature: x509 }, [ada.public]), /type: x509/);
    const garbage = '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----';
    await fails(
      verify({ payload, signature: garbage }, [ada.public]),
      /can not be read|no matching key/,
    );
  });

  test('a message that carries what it signs is no signature of a commit', async () => {
    const { payload } = await sign(ada.id);
    const file = join(authors.home, 'other');
    await writeFile(file, 'something else that ada signed');
    const args = ['--local-user', ada.id, '--armor', '--output', '-'];
    for (const how of ['--sign', '--clearsign']) {
      const inline = authors.gpg(...args, how, file);
      const signature = inline.replaceAll('PGP MESSAGE', 'PGP SIGNATURE');
      await fails(verify({ payload, signature }, [ada.public]), /can not be read|type: unknown/);
      const at = inline.indexOf('-----BEGIN PGP SIGNATURE-----');
      if (at < 0) continue;
      await fails(verify({ payload, signature: inline.slice(at) }, [ada.public]), /does not match/);
    }
  });

  test('two signatures of which one is good are none, and many key rings are refused', async () => {
    const commit = await sign(ada.id);
    const file = join(authors.home, 'other');
    await writeFile(file, 'x');
    const other = authors.gpg(
      '--local-user',
      eve.id,
      '--armor',
      '--output',
      '-',
      '--detach-sign',
      file,
    );
    const both = execFileSync('gpg', ['--homedir', authors.home, '--dearmor'], {
      input: `${commit.signature}\n`,
    });
    const second = execFileSync('gpg', ['--homedir', authors.home, '--dearmor'], { input: other });
    const joined = execFileSync('gpg', ['--homedir', authors.home, '--enarmor'], {
      input: Buffer.concat([both, second]),
    })
      .toString()
      .replaceAll('PGP ARMORED FILE', 'PGP SIGNATURE');
    const keys = [ada.public, eve.public];
    await fails(verify({ ...commit, signature: joined }, keys), /unable to verify payload/);
    await fails(verify(commit, Array<string>(101).fill(ada.public)), /more than 100 key rings/);
  });

  test('a key that has expired, or was revoked, verifies nothing', async () => {
    const old = authors.create('old', '20240201T000000');
    const file = join(authors.home, 'faked.sh');
    const faked = `exec gpg --homedir '${authors.home}' --faked-system-time 20240102T000000! "$@"`;
    await writeFile(file, `#!/bin/sh\n${faked}\n`, { mode: 0o755 });
    const config = ['-c', `gpg.program=${file}`, '-c', `user.signingKey=${old.id}`];
    await repository.git(...config, 'commit', '-S', '--allow-empty', '-m', 'old');
    const id = await repository.git('rev-parse', 'HEAD');
    const commit = await read((objects) => readSignedCommit(objects, id));
    await fails(verify(commit, [old.public]), /the key has expired/);

    const gone = authors.create('gone');
    const signed = await sign(gone.id);
    assert.equal(await verify(signed, [gone.public]), gone.id.slice(-16));
    const prepared = join(authors.home, 'openpgp-revocs.d', `${gone.id}.rev`);
    const certificate = join(authors.home, 'gone.rev');
    await writeFile(certificate, execFileSync('sed', ['s/^:---/---/', prepared]));
    authors.gpg('--import', certificate);
    const revoked = authors.gpg('--armor', '--export', gone.id);
    await fails(verify(signed, [revoked]), /the key was revoked/);
    await fails(verify(signed, [gone.public, revoked]), /the key was revoked/);
  });

  test('a tag says what it is a tag of, and under which name', async () => {
    const config = ['-c', `gpg.program=${await wrapper()}`, '-c', `user.signingKey=${ada.id}`];
    await repository.git(...config, 'tag', '-s', '-m', 'Release ä', 'v1.0.0');
    const id = await repository.git('rev-parse', 'v1.0.0');
    const tag = await read((objects) => readSignedTag(objects, id));
    assert.equal(tag.object, await repository.git('rev-parse', 'HEAD'));
    assert.deepEqual([tag.type, tag.name], ['commit', 'v1.0.0']);
    assert.equal(await verify(tag, [ada.public]), ada.id.slice(-16));

    const overSsh = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${sshFile}`];
    await repository.git(...overSsh, 'tag', '-s', '-m', 'Release', 'v2.0.0');
    const second = await repository.git('rev-parse', 'v2.0.0');
    const signed = await read((objects) => readSignedTag(objects, second));
    assert.match(await verify(signed, [], [ssh.public]), /^SHA256:/);
  });

  test('two signatures in one commit are refused', () => {
    const raw = Buffer.from('tree x\ngpgsig a\n b\ngpgsig c\nauthor y\n\nmessage\n');
    assert.throws(() => splitCommit(raw), { reason: 'SignatureInvalid' });
  });

  test('what looks like a signature in a message is part of the message', () => {
    const raw = Buffer.from('tree x\ngpgsig a\n b\nauthor y\n\ngpgsig no\n');
    const { payload, signature } = splitCommit(raw);
    assert.equal(signature, 'a\nb');
    assert.equal(payload.toString(), 'tree x\nauthor y\n\ngpgsig no\n');
    const begin = '-----BEGIN PGP SIGNATURE-----';
    const tag = splitTag(Buffer.from(`object x\n\n${begin}\nfirst\n${begin}\nlast\n`));
    assert.equal(tag.signature, `${begin}\nlast\n`);
  });
});
