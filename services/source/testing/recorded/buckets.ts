// The object store of the recorded cases, and its contents.
import { type S3Server, type S3ServerBucket, startS3Server } from '@weir/cluster';

/** The objects of a bucket by key, or in words what was generated. */
export type BucketSetup = Record<string, string>;

export interface Buckets {
  standIns: Record<string, string>;
  create(name: string, setup: BucketSetup): Promise<void>;
  put(bucket: string, key: string, text: string): Promise<void>;
  remove(bucket: string, key: string): Promise<void>;
}

/** The value of `generated` in the one case that has it. */
const GENERATED = 'd<i mod 20>/f<i>.txt holds "file <i>\\n", for i = 0 … 1999';

/** Starts it; it ends with the stack. */
export async function startBuckets(stack: AsyncDisposableStack): Promise<Buckets> {
  const server: S3Server = stack.adopt(await startS3Server(), (it) => it.close());
  const buckets = new Map<string, S3ServerBucket>();

  function bucketOf(name: string): S3ServerBucket {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new Error(`there is no bucket ${name}`);
    return bucket;
  }

  return {
    standIns: { S3: server.endpoint },
    async create(name, setup) {
      buckets.set(name, await server.createBucket(name, objectsOf(setup)));
    },
    put: (bucket, key, text) => bucketOf(bucket).put({ [key]: text }),
    remove: (bucket, key) => bucketOf(bucket).remove(key),
  };
}

function objectsOf(setup: BucketSetup): Record<string, string> {
  if (setup.generated === undefined) return setup;
  if (setup.generated !== GENERATED) throw new Error(`can't generate: ${setup.generated}`);
  const names = Array.from({ length: 2000 }, (_, i) => [`d${i % 20}/f${i}.txt`, `file ${i}\n`]);
  return Object.fromEntries(names);
}
