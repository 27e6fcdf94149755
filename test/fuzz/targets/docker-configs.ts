// Pull secrets of tenants, and which of their entries are for a repository.
import { credentialsFor, OciError, parseRepository, readPullSecret } from '@weir/oci';
import fc from 'fast-check';
import { mutatedText } from '../mutate.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';

interface Input {
  type: string;
  key: string;
  content: string;
  repository: string;
}

const PASSWORD = 'pass-w0rd-of-the-tenant';
const AUTH = Buffer.from(`user:${PASSWORD}`).toString('base64');
const SHOWN = 'a message quotes the secret';
const OTHER_HOST = 'credentials are for every host';
const CONFIGS = [
  `{"auths": {"registry.example.com": {"auth": "${AUTH}"}}}`,
  `{"auths": {"https://index.docker.io/v1/": {"username": "user", "password": "${PASSWORD}"}}}`,
  `{"auths": {"*.example.com/team": {"identitytoken": "${PASSWORD}"}}, "credHelpers": {"a": "b"}}`,
  `{"registry.example.com:5000": {"auth": "${AUTH}", "email": "a@b"}}`,
  `{"auths": {"[a-z]?.example.com": {"registrytoken": "${PASSWORD}"}}}`,
];
const WORDS = [
  ...['"', '{', '}', '[', ']', ':', ',', '\\u0000', '__proto__', 'constructor', 'null', 'true'],
  ...[
    '*'.repeat(500),
    '*a'.repeat(400),
    '[',
    '[^',
    '[a-',
    '\\',
    '@',
    'evil.example',
    '/v1/',
    '/v2/',
  ],
  ...['https://', 'http://', ':443', ':99999', '::', PASSWORD, AUTH, '='.repeat(30), '\0', 'ü'],
];

export const dockerConfigs: Target<Input> = {
  name: 'docker-configs',
  about: 'pull secrets of every form, and the repositories that they are for',
  limits: { ms: 10_000, bytes: 350 * 1024 ** 2 },
  inputs: fc.record({
    type: fc.constantFrom('kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg', 'Opaque'),
    key: fc.constantFrom('.dockerconfigjson', '.dockercfg'),
    content: mutatedText(CONFIGS, WORDS),
    repository: fc.constantFrom(
      ...['registry.example.com/team/app', 'evil.example/app', 'index.docker.io/library/app'],
      ...['a.example.com/team', `${'a'.repeat(60)}.${'a'.repeat(60)}.example.com/team/app`],
    ),
  }),
  open,
  plants: { [SHOWN]: /shows what is secret/, [OTHER_HOST]: /credentials go to another host/ },
};

async function open(): Promise<Subject<Input>> {
  return {
    async try({ type, key, content, repository }, plant) {
      const data = new Map([[key, Buffer.from(content)]]);
      try {
        const all = readPullSecret({ type, data, name: 'apps/pull' });
        const found = credentialsFor(parseRepository(repository), all);
        const isNamed = /evil|\*|\?|\[/.test(content);
        const given = plant === OTHER_HOST ? all[0]?.credentials : found;
        const isOther = repository.startsWith('evil') && given !== undefined && !isNamed;
        holds(!isOther, 'credentials go to another host');
      } catch (error) {
        refused(error, OciError);
        const message = plant === SHOWN ? `${error.message} ${content}` : error.message;
        showsNothingOf(PASSWORD, message, 'the message');
        showsNothingOf(AUTH, message, 'the message');
      }
    },
    close: async () => undefined,
  };
}
