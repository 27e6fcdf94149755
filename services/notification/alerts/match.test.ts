import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { AlertSpec } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { createPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { alertOf, eventOf } from '../testing/fixtures.ts';
import type { ReadLabels } from './labels.ts';
import { matchAlert } from './match.ts';
import { patternMatcher } from './patterns.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const pool = await createPool({ size: 1, log });
after(() => pool.close());
const matchList = patternMatcher(pool);

const noLabels = async () => undefined;
const look = (spec: Partial<AlertSpec>, event: FluxEvent, readLabels: ReadLabels = noLabels) =>
  matchAlert(alertOf(spec), { id: 'e1', event }, { readLabels, matchList });
const matches = async (
  spec: Partial<AlertSpec>,
  event = eventOf(),
  labels?: Record<string, string>,
) => (await look(spec, event, async () => labels)).matches;

describe('matchAlert', () => {
  it('takes an object by its name or by the wildcard', async () => {
    assert.equal(await matches({ eventSources: [{ kind: 'Kustomization', name: 'apps' }] }), true);
    assert.equal(await matches({ eventSources: [{ kind: 'Kustomization', name: '*' }] }), true);
    assert.equal(
      await matches({ eventSources: [{ kind: 'Kustomization', name: 'infra' }] }),
      false,
    );
    assert.equal(await matches({ eventSources: [{ kind: 'GitRepository', name: '*' }] }), false);
  });

  it("looks in the alert's own namespace unless the source names another", async () => {
    const elsewhere = eventOf({ namespace: 'team-a' });
    const source = { kind: 'Kustomization', name: '*' } as const;
    assert.equal(await matches({ eventSources: [source] }, elsewhere), false);
    const there = { ...source, namespace: 'team-a' };
    assert.equal(await matches({ eventSources: [there] }, elsewhere), true);
  });

  it('takes everything as info and only failures as error', async () => {
    const failed = eventOf({}, { severity: 'error' });
    assert.equal(await matches({ eventSeverity: 'error' }), false);
    assert.equal(await matches({ eventSeverity: 'error' }, failed), true);
    assert.equal(await matches({ eventSeverity: 'info' }, failed), true);
  });

  it('asks for labels only where a source selects by them', async () => {
    const source = { kind: 'Kustomization', name: '*', matchLabels: { team: 'a' } } as const;
    assert.equal(await matches({ eventSources: [source] }, eventOf(), { team: 'a', x: 'y' }), true);
    assert.equal(await matches({ eventSources: [source] }, eventOf(), { team: 'b' }), false);
    assert.equal(await matches({ eventSources: [source] }, eventOf(), undefined), false);
    const fail = () => assert.fail('labels were read');
    assert.equal((await look({}, eventOf(), fail)).matches, true);
  });

  it('is silent while suspended', async () => {
    assert.equal(await matches({ suspend: true }), false);
  });

  it('searches inclusion and exclusion anywhere in the message, exclusion being stronger', async () => {
    const event = eventOf({}, { message: 'waiting on a socket' });
    assert.equal(await matches({ inclusionList: ['socket$'] }, event), true);
    assert.equal(await matches({ inclusionList: ['^socket'] }, event), false);
    assert.equal(
      await matches({ inclusionList: ['socket'], exclusionList: ['wait.*socket'] }, event),
      false,
    );
    assert.equal(await matches({ inclusionList: [] }, event), true);
  });

  it("reads Go's syntax and reports what doesn't compile", async () => {
    const event = eventOf({}, { message: 'Health check FAILED' });
    const spec = { inclusionList: ['(?i)failed', '(?<=a)b'] };
    const { matches, invalid } = await look(spec, event);
    assert.equal(matches, true);
    assert.equal(invalid.length, 1);
    assert.match(String(invalid), /^'\(\?<=a\)b' \(error parsing regexp/);
  });

  it('is not slowed down by an expression that backtracks', async () => {
    const event = eventOf({}, { message: `${'a'.repeat(50_000)}!` });
    assert.equal(await matches({ inclusionList: ['^(a+)+$'] }, event), false);
  });
});
