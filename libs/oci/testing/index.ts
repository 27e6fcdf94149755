export {
  type ArtifactToPush,
  FLUX_LAYER,
  type Layer,
  type PushTarget,
  pushArtifact,
  pushBlob,
  pushManifest,
  type TarEntry,
  tar,
  tarGz,
} from './push.ts';
export { pushSignature, signWith } from './sign.ts';
