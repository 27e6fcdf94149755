// A process of its own, for tests of what it takes: lists, fetches and packs a bucket as the service does, and prints how
// that ended. Arguments: the endpoint, then spec.ignore if there is one.
import { startBucketFetcher } from './bucket-fetcher.ts';

const [, , endpoint = '', ignore] = process.argv;
const fetcher = await startBucketFetcher();
let outcome: unknown;
try {
  const wanted = fetcher.wanted(endpoint, 'bucket', { ignore, timeoutMs: 120_000 });
  outcome = await fetcher.store(wanted, await fetcher.list(wanted));
} catch (error) {
  outcome = { failure: error instanceof Error ? error.message : String(error) };
}
console.log(JSON.stringify(outcome));
await fetcher.close();
