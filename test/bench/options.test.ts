import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOptions, usage } from './options.ts';

describe('the command line of the benchmark', () => {
  const scenarios = ['install', 'drift'].map((name) => ({ name, about: `about ${name}` }));
  const known = { scenarios, peers: ['flux', 'flux-tuned'] };
  const read = (...args: string[]) => readOptions(args, known);

  it('measures all scenarios with Weir alone by default', () => {
    const expected = {
      scenarios: ['install', 'drift'],
      peers: [],
      rounds: 20,
      apps: [100],
      allSizes: false,
      idleSeconds: 60,
      check: false,
      help: false,
    };
    assert.deepEqual(read(), expected);
    const drift = { ...expected, scenarios: ['drift'], apps: [7, 70], peers: ['flux'] };
    assert.deepEqual(read('--scenario=drift', '--apps', '70,7', '--peer=flux'), drift);
    assert.deepEqual(read('--skip=install').scenarios, ['drift']);
  });

  it('keeps the order of the scenarios, whichever is asked for first', () => {
    const { scenarios: names } = read('--scenario=drift', '--scenario=install');
    assert.deepEqual(names, ['install', 'drift']);
  });

  it('takes the first word of several scenarios for all of them', () => {
    const scenarios = ['drift', 'image-scan', 'image-tags'].map((name) => ({ name, about: '' }));
    const options = readOptions(['--scenario=image'], { scenarios, peers: [] });
    assert.deepEqual(options.scenarios, ['image-scan', 'image-tags']);
  });

  it('says what it does not understand', () => {
    assert.throws(() => read('--scenario', 'speed'), /no scenario speed, only install, drift/);
    assert.throws(() => read('--skip', 'speed'), /no scenario speed/);
    assert.throws(() => read('--peer', 'argo'), /no peer argo, only flux, flux-tuned/);
    assert.throws(() => read('--rounds', 'many'), /--rounds wants a number/);
    assert.throws(() => read('--apps', '5,0'), /at least 1/);
    assert.throws(() => read('--fast'), /--fast/);
  });

  it('lists the scenarios and peers', () => {
    assert.match(usage(known), /flux, flux-tuned/);
    assert.match(usage(known), /drift {4}about drift/);
  });
});
