import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { createPool } from './index.ts';

const pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'fatal' }) });
after(() => pool.close());
const tenant = 'apps';

function certificate(status: object): object {
  return { apiVersion: 'x.example/v1', kind: 'Certificate', metadata: { name: 'a' }, status };
}

test('health by expressions, and by convention where there is none', async () => {
  const checks = [
    {
      apiVersion: 'x.example/v1',
      kind: 'Certificate',
      failed: "status.state == 'Revoked'",
      current: "status.state == 'Issued'",
    },
  ];
  const objects = [
    certificate({ state: 'Issued' }),
    certificate({ state: 'Revoked' }),
    certificate({ state: 'Pending' }),
    certificate({}),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
  ];
  const states = await pool.status(objects, { tenant, checks });
  assert.deepEqual(
    states.map(({ status }) => status),
    ['Current', 'Failed', 'InProgress', 'Unknown', 'Current'],
  );
  assert.equal(
    states[3]?.message,
    "failed to evaluate the CEL expression 'status.state == 'Revoked'': no such key: state",
  );
});

test('expressions that do not compile are told before there is an object', async () => {
  const checks = [{ apiVersion: 'x.example/v1', kind: 'Certificate', current: 'status.' }];
  await assert.rejects(pool.status([], { tenant, checks }), {
    reason: 'InvalidCELExpression',
    message:
      /^failed to create custom status evaluator for healthchecks\[0\]: failed to parse the expression Current: failed to parse the CEL expression 'status\.': ERROR: <input>:1:8: Syntax error/,
  });
});

test('an expression about two objects, for many pairs', async () => {
  const labelled = (version: string) => ({ metadata: { labels: { version } } });
  const results = await pool.evaluate(
    {
      expression: "dep.metadata.labels['version'] == self.metadata.labels['version']",
      inputs: [
        { self: labelled('1'), dep: labelled('1') },
        { self: labelled('1'), dep: labelled('2') },
        { self: labelled('1'), dep: { metadata: {} } },
      ],
    },
    { tenant },
  );
  assert.deepEqual(results.slice(0, 2), [{ value: true }, { value: false }]);
  assert.match(results[2]?.error ?? '', /no such key: labels/);
});

test('an expression that gives no boolean', async () => {
  await assert.rejects(pool.evaluate({ expression: '1 + 1', inputs: [{ self: {} }] }, { tenant }), {
    reason: 'InvalidCELExpression',
    message: 'CEL expression output type mismatch: expected bool, got int',
  });
});

test('which fields are left to others', async () => {
  const object = (kind: string, name: string) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
  });
  const rules = [
    { paths: ['/spec/replicas'], target: { kind: 'Deployment', name: 'web-.*' } },
    { paths: ['/metadata/annotations/note'] },
  ];
  const objects = [object('Deployment', 'web-1'), object('StatefulSet', 'web-1')];
  assert.deepEqual(await pool.exempt({ rules, objects }, { tenant }), [
    ['/spec/replicas', '/metadata/annotations/note'],
    ['/metadata/annotations/note'],
  ]);
  const broken = [{ paths: ['/a'], target: { kind: '[' } }];
  await assert.rejects(pool.exempt({ rules: broken, objects }, { tenant }), {
    reason: 'ReconciliationFailed',
    message: /^failed to create ignore rule selector: invalid kind regex: /,
  });
});

test('which patterns match which texts', async () => {
  const patterns = ['^waiting.*socket', '(', 'Ready$', '(?i)ERROR'];
  const texts = ['waiting for socket', 'error: not Ready', ''];
  const { matches, invalid } = await pool.match({ patterns, texts }, { tenant });
  assert.deepEqual(matches, [[0], [2, 3], []]);
  assert.deepEqual(invalid, [{ index: 1, reason: 'error parsing regexp: missing closing ): `(`' }]);
});

test('patterns and texts are bounded, in time too', async () => {
  const long = { patterns: ['a'], texts: ['x'.repeat(65_537)] };
  await assert.rejects(pool.match(long, { tenant }), { reason: 'InvalidRequest' });
  const many = { patterns: Array(101).fill('a'), texts: [] };
  await assert.rejects(pool.match(many, { tenant }), { reason: 'InvalidRequest' });
  const patterns = Array.from({ length: 100 }, (_, n) => `(x{0,1000}x{0,950})y${n}$`);
  const slow = { patterns, texts: ['x'.repeat(65_536)] };
  await assert.rejects(pool.match(slow, { tenant }), { reason: 'Timeout' });
  assert.equal(pool.pids().length, 1);
});

test('expressions with other results than a boolean', async () => {
  const inputs = [{ event: { kind: 'A', n: 3 } }];
  const text = { expression: "event.kind.lowerAscii() + '/x'", inputs };
  assert.deepEqual(await pool.evaluateText(text, { tenant }), [{ value: 'a/x' }]);
  await assert.rejects(pool.evaluateText({ expression: '1 + 1', inputs }, { tenant }), {
    reason: 'InvalidCELExpression',
    message: 'CEL expression output type mismatch: expected string, got int',
  });
  const any = { expression: "{'kind': [event.kind], 'n': [event.n]}", inputs };
  const value = { kind: ['A'], n: [3] };
  assert.deepEqual(await pool.evaluateAny(any, { tenant }), [{ value }]);
  const double = { expression: 'type(event.n) == double', inputs };
  assert.deepEqual(await pool.evaluate({ ...double, floats: true }, { tenant }), [{ value: true }]);
  assert.deepEqual(await pool.evaluate(double, { tenant }), [{ value: false }]);
});
