// `npm run tools`: builds what the tests need and the cache doesn't contain, and prints its progress. The first time that
// takes minutes, which no test should have to wait for.
import { buildEngine, buildVerifier } from '@weir/render';
import { buildTools, TEST_TOOLS } from './build.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

await buildTools(TEST_TOOLS, { progress: say });
if (!process.env.WEIR_ENGINE) await buildEngine(say);
if (!process.env.WEIR_VERIFIER) await buildVerifier(say);
say('the tools of the tests are there');
