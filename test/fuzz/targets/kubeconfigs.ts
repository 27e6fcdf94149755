// Kubeconfigs that tenants write into Secrets.
import { KubeconfigError, readInlineKubeconfig } from '@weir/kube';
import { mutatedText } from '../mutate.ts';
import { holds, refused, type Subject, showsNothingOf, type Target } from '../target.ts';

const TOKEN = 'token-of-the-tenant';
const PASSWORD = 'pass-w0rd-of-the-tenant';
const SHOWN = 'a message quotes a credential';
const RUNS = 'a program of the pod is run';
const RULES = { insecureTls: false, exec: false };

const HEAD = 'apiVersion: v1\nkind: Config\ncurrent-context: c\n';
const CONTEXT = 'contexts:\n- name: c\n  context: {cluster: a, user: u, namespace: x}\n';
const CLUSTER =
  'clusters:\n- name: a\n  cluster:\n    server: https://192.0.2.1:6443\n    tls-server-name: x\n';
const CONFIGS = [
  `${HEAD}${CLUSTER}${CONTEXT}users:\n- name: u\n  user:\n    token: ${TOKEN}\n`,
  `${HEAD}${CLUSTER}${CONTEXT}users:\n- name: u\n  user: {username: ann, password: ${PASSWORD}, as: bob, as-groups: [x]}\n`,
  `${HEAD}${CLUSTER}${CONTEXT}users:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n      args: [-c, id]\n`,
  `${HEAD}${CLUSTER}    insecure-skip-tls-verify: true\n    certificate-authority: /etc/ssl/x\n${CONTEXT}users:\n- name: u\n  user: {auth-provider: {name: gcp}, token: ${TOKEN}}\n`,
  JSON.stringify({ clusters: [{ name: 'a', cluster: { server: 'https://x' } }], users: [] }),
];
const WORDS = [
  ...[
    'exec:',
    'command: sh',
    'tokenFile: /etc/passwd',
    'client-key: /etc/passwd',
    'token:',
    'server:',
  ],
  ...[
    'http://127.0.0.1',
    'file:///etc/passwd',
    'https://',
    'proxy-url: http://127.0.0.1:1',
    'users:',
    '- name: u\n',
  ],
  ...[
    '&a [*a]',
    '*a',
    '!!binary',
    '<<: {a: b}',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '\t',
    '\0',
    '? ',
    '---\n',
    '\r\n',
  ],
  ...[
    '[['.repeat(2_000),
    '{a: '.repeat(2_000),
    '- '.repeat(3_000),
    '__proto__:',
    'constructor:',
    'A'.repeat(5_000),
  ],
  ...[
    'certificate-authority-data: AAAA',
    'client-certificate-data: "-----BEGIN"',
    'client-key-data: x',
  ],
];

export const kubeconfigs: Target<string> = {
  name: 'kubeconfigs',
  about: 'kubeconfigs of tenants, with programs, files and aliases',
  limits: { ms: 10_000, bytes: 350 * 1024 ** 2 },
  inputs: mutatedText(CONFIGS, WORDS),
  open,
  plants: { [SHOWN]: /shows what is secret/, [RUNS]: /a program is run/ },
};

async function open(): Promise<Subject<string>> {
  return {
    async try(text, plant) {
      const rules = { ...RULES, exec: plant === RUNS };
      try {
        const { exec, insecure, server } = readInlineKubeconfig(text, rules);
        holds(exec === undefined, 'a program is run');
        holds(insecure !== true, 'a certificate is not checked');
        holds(new URL(server).protocol === 'https:', 'a server without TLS');
      } catch (error) {
        refused(error, KubeconfigError);
        const message = plant === SHOWN ? `${error.message} ${text}` : error.message;
        // A credential that is where a name should be is shown as one.
        if (text.includes(`token: ${TOKEN}`)) showsNothingOf(TOKEN, message, 'the message');
        if (text.includes(`password: ${PASSWORD}`))
          showsNothingOf(PASSWORD, message, 'the message');
      }
    },
    close: async () => undefined,
  };
}
