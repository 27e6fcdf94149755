// The parts of the vendor's SDK that are used. Loading them takes a tenth of a second and 37 MB (2 cores, Node 24), so that
// only `open.ts` imports this file, when the first request is made.
export {
  GetBucketLocationCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
