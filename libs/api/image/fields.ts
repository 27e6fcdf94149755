// Fields that the kinds of images have in common.
import { object, optional, text } from '../schema/schema.ts';

/** The image of a policy, in the status of the policy and of an automation. */
export function imageRef(description: string) {
  return object(
    {
      name: text('Name of the image, without a tag.'),
      tag: text('Tag of the image.'),
      digest: optional(text('Digest of the image, as `sha256:<hex>`.')),
    },
    description,
  );
}
