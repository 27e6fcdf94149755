// Recordings of what the real notification-controller sent, answered and did, played with this service.
import { after, before, describe, it } from 'node:test';
import { readCases } from './testing/recorded/case.ts';
import { play } from './testing/recorded/play.ts';
import { type Stage, startStage } from './testing/recorded/stage.ts';

const ONLY = process.env.ONLY_CASES;

describe('as the real notification-controller', () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage?.close());

  for (const folder of ['provider', 'transport', 'alert', 'endpoint', 'receiver']) {
    for (const file of readCases(folder)) {
      if (ONLY !== undefined && !new RegExp(ONLY).test(file.name)) continue;
      it(`${file.name}: ${file.about}`, () => play(stage, file));
    }
  }
});
