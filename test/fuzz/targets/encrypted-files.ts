// Files encrypted by SOPS and then modified: they are decrypted or refused, and never shown.
import { readFile } from 'node:fs/promises';
import { buildDecryptor, createDecryption, RenderError } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import fc from 'fast-check';
import { openEngine, WITH_ENGINES } from '../engine.ts';
import { mutatedText } from '../mutate.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';
import { HOSTILE } from '../trees.ts';

interface Input {
  /** Name of a sample and what is done with it. */
  content: string;
  file: string;
}

/** The plain texts of the samples. */
const SECRET = 's3cret';
const SHOWN = 'a message quotes the plain text';
const FORGED = 'a changed value passes';
const SAMPLES = [
  'age.secret.yaml',
  'age.config.json',
  'age.values.env',
  'age.config.ini',
  'age.patch.yaml',
];
const FOLDER = new URL('../../../libs/render/decryptor/testdata/', import.meta.url);
const texts = await Promise.all(SAMPLES.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
const identity = await readFile(new URL('identity.agekey', FOLDER), 'utf8');

const WORDS = [
  ...HOSTILE,
  ...[
    'ENC[',
    ']',
    'ENC[AES256_GCM,data:',
    ',iv:',
    ',tag:',
    ',type:str]',
    ',type:int]',
    'type:bytes',
  ],
  ...[
    'sops:',
    'mac:',
    'lastmodified:',
    'unencrypted_suffix:',
    'encrypted_regex: "(a+)+$"',
    'shamir_threshold: 99',
  ],
  ...['age:', 'kms: [{arn: x}]', 'pgp: []', 'key_groups: [[]]', 'version: 99', 'A'.repeat(4_000)],
];

export const encryptedFiles: Target<Input> = {
  name: 'encrypted-files',
  about: 'files that SOPS encrypted, in every format',
  limits: WITH_ENGINES,
  inputs: fc.integer({ min: 0, max: SAMPLES.length - 1 }).chain((at) =>
    mutatedText([texts[at] ?? ''], WORDS).map((content) => ({
      content,
      file: SAMPLES[at] ?? '',
    })),
  ),
  open,
  plants: { [SHOWN]: /shows what is secret/, [FORGED]: /is another than was encrypted/ },
};

async function open(): Promise<Subject<Input>> {
  await buildDecryptor();
  const engine = await openEngine();
  const log = createLogger({ service: 'fuzz', level: 'fatal' });
  return {
    async try({ content, file }, plant) {
      const decryption = createDecryption({
        keys: { origin: "Secret 'apps/keys'", age: [{ name: 'a', text: identity }], pgp: [] },
        unwrap: async () => {
          throw new Error('no key management service is asked here');
        },
        log,
      });
      const kustomization = `secretGenerator:\n- name: s\n  options: {disableNameSuffixHash: true}\n  files: [${file}]\n`;
      const files = { 'app/kustomization.yaml': kustomization, [`app/${file}`]: content };
      try {
        await decryption.open();
        const { objects, trace } = await engine.withArtifact(files, (artifact) =>
          engine.pool.build({ artifact, path: 'app', decryption }, { tenant: 'fuzz' }),
        );
        showsNothingOf(SECRET, JSON.stringify(trace), 'the trace');
        checkPlain(plant === FORGED ? [{ data: { x: btoa('forged') } }] : objects, content);
      } catch (error) {
        refused(error, RenderError);
        const message = plant === SHOWN ? `${error.message} ${SECRET}` : error.message;
        showsNothingOf(SECRET, message, 'the message');
      } finally {
        decryption.close();
      }
    },
    close: () => engine.close(),
  };
}

/** Words that occur when the samples are decrypted or YAML is read. */
const KNOWN = [SECRET, 'admin', 'false'];

/**
 * Each value has a checksum of its own, so a word is one of the file or one that was encrypted. The checksum over the whole file
 * isn't looked at, as in Flux: what is in the clear may be changed.
 */
function checkPlain(objects: readonly object[], content: string): void {
  const { data = {} } = (objects[0] ?? {}) as { data?: Record<string, string> };
  for (const value of Object.values(data)) {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const words = text.match(/[A-Za-z]{5,}/g) ?? [];
    const strange = words.find((word) => !content.includes(word) && !KNOWN.includes(word));
    holds(strange === undefined, `the plain text is another than was encrypted: ${strange}`);
  }
}
