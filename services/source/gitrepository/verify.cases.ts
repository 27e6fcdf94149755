// spec.verify with real signatures, in every mode.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { findCondition, type GitRepository, SOURCE_VERIFIED } from '@weir/api';
import { createSshKey, type GitServerRepository, type SshKey, startFront } from '@weir/cluster';
import type { Harness } from '../testing/harness.ts';

export function verifyCases(shared: () => Harness): void {
  describe('spec.verify', () => {
    let harness: Harness;
    let home: string;
    let ada: { id: string; public: string };
    let ssh: SshKey;
    let sshFile: string;
    let repo: GitServerRepository;
    let unsigned: string;
    let signed: string;
    let overSsh: string;

    before(async () => {
      harness = shared();
      home = await mkdtemp(join(tmpdir(), 'weir-verify-test-'));
      harness.stack.defer(async () => {
        execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
        await rm(home, { recursive: true, force: true });
      });
      ada = createKey('ada');
      ssh = await createSshKey();
      sshFile = join(home, 'ssh');
      await writeFile(sshFile, ssh.private, { mode: 0o600 });
      await writeFile(join(home, 'gpg.sh'), `#!/bin/sh\nexec gpg --homedir '${home}' "$@"\n`, {
        mode: 0o755,
      });
      repo = await harness.git.createRepository('verified');
      unsigned = await repo.commit({ 'a.yaml': 'a: 1\n' });
      signed = await commit('openpgp', ada.id);
      await repo.git(...config('openpgp', ada.id), 'tag', '-s', '-m', 'release', 'v1.0.0', signed);
      await repo.git(
        ...config('openpgp', ada.id),
        'tag',
        '-s',
        '-m',
        'release',
        'v1.1.0',
        unsigned,
      );
      await repo.git('-c', 'user.name=T', '-c', 'user.email=t@e', 'tag', '-a', '-m', 'x', 'v2.0.0');
      await repo.git('tag', 'light', signed);
      overSsh = await commit('ssh', sshFile, 'over-ssh');
    });

    function gpg(...args: string[]): string {
      const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
      return execFileSync('gpg', ['--homedir', home, '--batch', '--no-tty', ...args], {
        stdio,
      }).toString();
    }
    function createKey(name: string) {
      gpg(
        '--passphrase',
        '',
        '--quick-generate-key',
        `${name} <${name}@e>`,
        'ed25519',
        'sign',
        '0',
      );
      const id = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', name))?.[1] ?? '';
      return { id, public: gpg('--armor', '--export', id) };
    }
    function config(format: string, key: string): string[] {
      const settings = {
        'user.name': 'Ada',
        'user.email': 'ada@e',
        'gpg.format': format,
        'gpg.program': join(home, 'gpg.sh'),
        'user.signingKey': key,
      };
      return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    }
    async function commit(format: string, key: string, branch = 'main'): Promise<string> {
      const args = [
        'commit-tree',
        '-S',
        '-p',
        unsigned,
        '-m',
        `Signed ${branch}`,
        `${unsigned}^{tree}`,
      ];
      const id = await repo.git(...config(format, key), ...args);
      await repo.git('update-ref', `refs/heads/${branch}`, id);
      return id;
    }
    const verifiedOf = ({ status }: GitRepository) => {
      const {
        status: is,
        reason,
        message,
      } = findCondition(status?.conditions, SOURCE_VERIFIED) ?? {};
      return { is, reason, message };
    };
    async function applied(
      ref: GitRepository['spec']['ref'],
      mode?: 'HEAD' | 'Tag' | 'TagAndHEAD' | 'head',
      keys: Record<string, string> = { 'ada.asc': ada.public, 'ada.sshpub': ssh.public },
    ) {
      const namespace = await harness.namespace();
      await harness.secret(namespace, 'keys', keys);
      const verify = { ...(mode ? { mode } : {}), secretRef: { name: 'keys' } };
      await harness.apply(namespace, 'web', { url: repo.url, verify, ...(ref ? { ref } : {}) });
      return namespace;
    }

    test('HEAD: a commit signed with OpenPGP, by default', async () => {
      const namespace = await applied({ branch: 'main' });
      const object = await harness.ready(namespace, 'web', 'True');
      assert.deepEqual(verifiedOf(object), {
        is: 'True',
        reason: 'Succeeded',
        message: `verified signature of\n\t- commit '${signed}' with key '${ada.id.slice(-16)}'`,
      });
      assert.equal(object.status?.sourceVerificationMode, 'HEAD');
      assert.match(object.status?.sourceVerificationFingerprint ?? '', /^sha256:/);
    });

    test('HEAD: a commit signed with SSH', async () => {
      const namespace = await applied({ branch: 'over-ssh' }, 'head');
      const { message } = verifiedOf(await harness.ready(namespace, 'web', 'True'));
      assert.match(message ?? '', new RegExp(`commit '${overSsh}' with key 'SHA256:`));
    });

    test('TagAndHEAD and Tag: both, or the tag alone', async () => {
      const both = await applied({ semver: '1.0.x' }, 'TagAndHEAD');
      const { message } = verifiedOf(await harness.ready(both, 'web', 'True'));
      assert.match(
        message ?? '',
        /^verified signature of\n\t- tag 'v1\.0\.0@\w+' with key '\w+'\n\t- commit '/,
      );
      const tag = await applied({ name: 'refs/tags/v1.1.0' }, 'Tag');
      await harness.ready(tag, 'web', 'True');
      const refused = await applied({ tag: 'v1.1.0' }, 'TagAndHEAD');
      const object = await harness.ready(
        refused,
        'web',
        'False',
        /unsupported signature type: empty$/,
      );
      assert.equal(verifiedOf(object).reason, 'InvalidCommitSignature');
      assert.equal(object.status?.artifact, undefined);
    });

    test('what is not signed, or not a tag', async () => {
      for (const [ref, mode, reason, message] of [
        [
          { tag: 'light' },
          'Tag',
          'InvalidGitObject',
          /cannot verify signature of tag 'light' since it is not signed/,
        ],
        [{ tag: 'v2.0.0' }, 'Tag', 'InvalidGitObject', /tag 'v2\.0\.0@\w+' since it is not signed/],
        [
          { branch: 'main' },
          'Tag',
          'InvalidVerificationMode',
          /if a tag reference is not specified/,
        ],
      ] as const) {
        const namespace = await applied(ref, mode);
        const object = await harness.ready(namespace, 'web', 'False', message);
        assert.equal(verifiedOf(object).reason, reason);
        assert.equal(verifiedOf(object).is, 'False');
        assert.equal(
          findCondition(object.status?.conditions, 'Stalled') !== undefined,
          mode === 'Tag' && 'branch' in ref,
        );
      }
    });

    test('a tag that was signed under another name, or for another commit, does not count', async () => {
      await repo.git(
        'update-ref',
        'refs/tags/v9.0.0',
        await repo.git('rev-parse', 'refs/tags/v1.0.0'),
      );
      const namespace = await applied({ tag: 'v9.0.0' }, 'Tag');
      const object = await harness.ready(namespace, 'web', 'False', /signed under another name$/);
      assert.equal(verifiedOf(object).reason, 'InvalidTagSignature');
    });

    test('a server that lies about the commit of a signed tag is found out', async (t) => {
      const front = await startFront(harness.git.url);
      t.after(() => front.close());
      front.intercept(async (request, response) => {
        const body = request.method === 'POST' ? await buffer(request) : undefined;
        const headers = new Headers();
        for (const name of ['content-type', 'content-encoding', 'accept', 'git-protocol']) {
          const value = request.headers[name];
          if (typeof value === 'string') headers.set(name, value);
        }
        const method = request.method ?? 'GET';
        const init = { method, headers, ...(body ? { body: new Uint8Array(body) } : {}) };
        const answer = await fetch(`${harness.git.url}${request.url}`, init);
        const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
        const lie = text.replaceAll(`peeled:${signed}`, `peeled:${unsigned}`);
        const type = answer.headers.get('content-type') ?? '';
        response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(lie, 'latin1'));
        return true;
      });
      const namespace = await harness.namespace();
      await harness.secret(namespace, 'keys', { 'ada.asc': ada.public });
      const verify = { mode: 'Tag', secretRef: { name: 'keys' } } as const;
      const url = `${front.url}/verified.git`;
      await harness.apply(namespace, 'web', { url, ref: { tag: 'v1.0.0' }, verify });
      const lied = new RegExp(`it is no tag of commit '${unsigned}', which the server says it is$`);
      const object = await harness.ready(namespace, 'web', 'False', lied);
      assert.equal(verifiedOf(object).reason, 'InvalidTagSignature');
      front.intercept(undefined);
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True');
    });

    test('keys: missing, of others, changed; the artifact in use stays', async () => {
      const namespace = await applied({ branch: 'main' }, 'HEAD');
      const before = await harness.ready(namespace, 'web', 'True');
      const eve = createKey('eve');
      await harness.secret(namespace, 'keys', { 'ada.asc': eve.public });
      await harness.request(namespace, 'web');
      const refused = await harness.ready(namespace, 'web', 'False', /no matching key$/);
      assert.equal(verifiedOf(refused).reason, 'InvalidCommitSignature');
      assert.deepEqual(refused.status?.artifact, before.status?.artifact);
      await harness.secret(namespace, 'keys', { 'ada.asc': `${ada.public}` });
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True');

      const verify = { secretRef: { name: 'gone' } };
      await harness.apply(namespace, 'web', { url: repo.url, verify });
      const missing = await harness.ready(namespace, 'web', 'False', /^public keys secret error: /);
      assert.equal(verifiedOf(missing).reason, 'VerificationError');
    });
  });
}
