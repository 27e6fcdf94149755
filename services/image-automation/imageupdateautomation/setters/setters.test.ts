import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { changesOf, withValues } from './edit.ts';
import { type ImageRef, setterOf, setterValues } from './marker.ts';
import { findMarkedValues } from './scan.ts';

const digest = `sha256:${'1'.repeat(64)}`;
const app: ImageRef = { name: 'reg/app', tag: '1.1.0' };

function set(text: string, policies: Record<string, ImageRef> = { app }): string {
  const content = Buffer.from(text);
  const values = setterValues('ns', new Map(Object.entries(policies)));
  return withValues(content, findMarkedValues(content), values).toString();
}

const marker = (setter = 'ns:app') => `# {"$imagepolicy": "${setter}"}`;

describe('markers', () => {
  for (const [comment, setter] of [
    [' {"$imagepolicy": "ns:app"}', 'ns:app'],
    ['{"$imagepolicy":"ns:app:tag"}', 'ns:app:tag'],
    ['##  {  "$imagepolicy"  :  "ns:app"  }  ', 'ns:app'],
    [' {"$imagepolicy": "ns:app", "other": "text"}', 'ns:app'],
    [' {"$imagepolicy": "ns:app", "other": 1}', undefined],
    [" {'$imagepolicy': 'ns:app'}", undefined],
    [' {"$imagepolicy": "ns:app"', undefined],
    [' note {"$imagepolicy": "ns:app"}', undefined],
    [' {"$imagepolicy": "ns:app"} note', undefined],
    [' {"$imagePolicy": "ns:app"}', undefined],
    [' {"$imagepolicy": ["ns:app"]}', undefined],
    [' {"$imagepolicy": ""}', undefined],
    [' ["$imagepolicy"]', undefined],
  ] as const) {
    test(JSON.stringify(comment), () => assert.equal(setterOf(comment), setter));
  }

  test('name a policy of the own namespace and a part that there is', () => {
    const values = setterValues('ns', new Map([['app', { ...app, digest }]]));
    const value = (setter: string) => values(setter, '');
    assert.equal(value('ns:app'), `reg/app:1.1.0@${digest}`);
    assert.equal(value('ns:app:tag'), '1.1.0');
    assert.equal(value('ns:app:name'), 'reg/app');
    assert.equal(value('ns:app:digest'), digest);
    assert.equal(value('ns:app:tagAndDigest'), `1.1.0@${digest}`);
    for (const other of [
      'other:app',
      'ns:nope',
      'app',
      'app:tag',
      'ns:app:version',
      'ns:app:tag:x',
      'ns/app:tag',
    ]) {
      assert.equal(value(other), undefined, other);
    }
  });

  test('a digest that somebody wrote stays while its tag does', () => {
    const values = setterValues('ns', new Map([['app', app]]));
    const kept = `1.1.0@${digest}`;
    assert.equal(values('ns:app:tagAndDigest', kept), kept);
    assert.equal(values('ns:app:tagAndDigest', `1.0.0@${digest}`), '1.1.0');
    assert.equal(values('ns:app:digest', digest), '');
  });
});

describe('a marked value is replaced and nothing else', () => {
  const m = marker('ns:app:tag');
  const cases: [title: string, before: string, after: string][] = [
    ['plain', `a: 1.0.0 ${m}\n`, `a: 1.1.0 ${m}\n`],
    ['single quotes', `a: '1.0.0' ${m}\n`, `a: '1.1.0' ${m}\n`],
    ['double quotes', `a:   "1.0.0"   ${m}\n`, `a:   "1.1.0"   ${m}\n`],
    ['escapes', `a: "1\\x2e0" ${m}\n`, `a: "1.1.0" ${m}\n`],
    ['no line break at the end', `a: 1.0.0 ${m}`, `a: 1.1.0 ${m}`],
    [
      'Windows line ends, mixed',
      `a: 1 ${m}\r\nb: 2\nc: 3 ${m}\r\n`,
      `a: 1.1.0 ${m}\r\nb: 2\nc: 1.1.0 ${m}\r\n`,
    ],
    ['a byte order mark', `\ufeffa: 1 ${m}\n`, `\ufeffa: 1.1.0 ${m}\n`],
    ['an anchor and a tag', `a: &x !!str 1 ${m}\nb: *x\n`, `a: &x !!str 1.1.0 ${m}\nb: *x\n`],
    ['an alias stays', `a: &x 1\nb: *x ${m}\n`, `a: &x 1\nb: *x ${m}\n`],
    ['the line of the key', `a: ${m}\n  1.0.0\n`, `a: ${m}\n  1.1.0\n`],
    ['the line above', `${m}\na: 1.0.0\n`, `${m}\na: 1.0.0\n`],
    ['the line below', `a: 1.0.0\n${m}\n`, `a: 1.0.0\n${m}\n`],
    ['no value', `a: ${m}\nb: 1\n`, `a: ${m}\nb: 1\n`],
    ['a list', `a:\n- 1.0.0 ${m}\n- - x ${m}\n- y\n`, `a:\n- 1.1.0 ${m}\n- - 1.1.0 ${m}\n- y\n`],
    [
      'flow over lines',
      `a: {b: "1", ${m}\n  c: 1 ${m}\n}\n`,
      `a: {b: "1.1.0", ${m}\n  c: 1.1.0 ${m}\n}\n`,
    ],
    ['flow on one line', `a: {b: 1} ${m}\n`, `a: {b: 1} ${m}\n`],
    ['a literal', `a: | ${m}\n  1.0.0\nb: 1\n`, `a: |- ${m}\n  1.1.0\nb: 1\n`],
    [
      'folded, kept, with an indicator',
      `a: >2+ ${m}\n  1.0\n  x\n\nb: 1\n`,
      `a: |- ${m}\n  1.1.0\n\nb: 1\n`,
    ],
    ['a literal at the end', `a:\n- | ${m}\r\n    1.0.0`, `a:\n- |- ${m}\r\n    1.1.0`],
    ['text over two lines', `a: "1.0\n  0" ${m}\n`, `a: "1.1.0" ${m}\n`],
    ['hash inside quotes', `a: "x # {\\"$imagepolicy\\": 1}" ${m}\n`, `a: "1.1.0" ${m}\n`],
    [
      'several documents',
      `---\n# c\na: 1 ${m}\n---\n---\n...\n---\nb: 1 ${m}\n---\n`,
      `---\n# c\na: 1.1.0 ${m}\n---\n---\n...\n---\nb: 1.1.0 ${m}\n---\n`,
    ],
    ['emoji and other scripts', `ü: "😀"\na: 1 ${m} \n`, `ü: "😀"\na: 1.1.0 ${m} \n`],
    [
      'an annotation of kyaml means nothing',
      `metadata: {annotations: {config.kubernetes.io/path: ../../x.yaml}}\na: 1 ${m}\n`,
      `metadata: {annotations: {config.kubernetes.io/path: ../../x.yaml}}\na: 1.1.0 ${m}\n`,
    ],
    ['the same key twice', `a: 1 ${m}\na: 2 ${m}\n`, `a: 1.1.0 ${m}\na: 1.1.0 ${m}\n`],
  ];
  for (const [title, before, after] of cases) {
    test(title, () => {
      assert.equal(set(before), after);
      assert.equal(set(after), after, 'it is settled then');
    });
  }

  for (const [title, text] of [
    ['a template', `{{- if .x }}\na: 1 ${m}\n{{- end }}\n`],
    ['an open bracket', `a: [\nb: 1 ${m}\n`],
    ['a tab', `a:\n\tb: 1 ${m}\n`],
    ['one broken document of two', `a: 1 ${m}\n---\nb: [\n`],
    ['a document that is a list', `- 1 ${m}\n`],
    ['an alias to nothing', `a: *x\nb: 1 ${m}\n`],
    ['nested beyond reason', `a: 1 ${m}\nb: ${'['.repeat(50_000)}\n`],
  ] as const) {
    test(`${title}: stays as it is`, () => assert.equal(set(text), text));
  }

  test('bytes that are no UTF-8 stay as they are', () => {
    const content = Buffer.concat([Buffer.from([0x23, 0xff, 0x0a]), Buffer.from(`a: 1 ${m}\n`)]);
    assert.deepEqual(findMarkedValues(content), []);
  });
});

describe('quotes', () => {
  const tags = [
    '1.10',
    '20240101',
    'true',
    '2024-01-02',
    '1e3',
    '0755',
    'null',
    'yes',
    '0x1F',
    '1_000',
    '12:30',
    '.5',
    '5.',
    '~',
    '.inf',
    '0o17',
    '0b1',
    '-1',
    'No',
    '',
    'a: b',
    'a #b',
    '*x',
    "it's",
    'new\nline',
    '1.2.3',
    'v1',
    'a.b',
    '1.2.3-rc.1',
    'sha-abc',
    '2024-01-02-rc',
    '1e3x',
    'main-20240101',
    '127.0.0.1:5000/a/b',
  ];
  for (const tag of tags) {
    test(`${JSON.stringify(tag)} stays text wherever it is put`, () => {
      const m = marker('ns:app:tag');
      const text = `p: x ${m}\ns: 'x' ${m}\nd: "x" ${m}\nf: {a: x, ${m}\n  b: 1}\n`;
      const after = set(text, { app: { name: 'a', tag } });
      for (const version of ['1.1', '1.2'] as const) {
        const value = parseAllDocuments(after, { version }).map((it) => it.toJS());
        assert.deepEqual(value, [{ p: tag, s: tag, d: tag, f: { a: tag, b: 1 } }], after);
      }
    });
  }
  test('only where they are needed', () => {
    const m = marker('ns:app:tag');
    const write = (tag: string) => set(`a: x ${m}\n`, { app: { name: 'a', tag } });
    for (const tag of ['1.2.3', 'v1', 'a.b', '1.2.3-rc.1', 'sha-abc', '1.2.3_4']) {
      assert.equal(write(tag), `a: ${tag} ${m}\n`);
    }
    assert.equal(write('1.10'), `a: "1.10" ${m}\n`);
    assert.equal(set(`a: x ${marker()}\n`), `a: reg/app:1.1.0 ${marker()}\n`);
  });
});

test('changes name their object, items of a List among them', () => {
  const text = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: inner, namespace: prod}
  data:
    image: reg/app:1.0.0 ${marker()}
---
image:
  tag: 1.1.0 ${marker('ns:app:tag')}
  name: old ${marker('ns:app:name')}
`;
  const values = setterValues('ns', new Map([['app', app]]));
  assert.deepEqual(changesOf(findMarkedValues(Buffer.from(text)), values), [
    {
      setter: 'ns:app',
      oldValue: 'reg/app:1.0.0',
      newValue: 'reg/app:1.1.0',
      object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'inner', namespace: 'prod' },
    },
    {
      setter: 'ns:app:name',
      oldValue: 'old',
      newValue: 'reg/app',
      object: { apiVersion: '', kind: '', name: '', namespace: '' },
    },
  ]);
});
