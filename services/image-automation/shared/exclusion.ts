import { DEFAULT_EXCLUSION_LIST, type ImageRepositorySpec } from '@weir/api';

/** `spec.exclusionList`; the default if it is missing or empty, as in Flux. */
export function exclusionListOf({ exclusionList = [] }: ImageRepositorySpec): readonly string[] {
  return exclusionList.length > 0 ? exclusionList : DEFAULT_EXCLUSION_LIST;
}
