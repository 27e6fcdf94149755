import assert from 'node:assert/strict';

/** The part of a page below a heading of the second level. */
export function sectionOf(page: string, heading: string): string {
  const [, section] = page.split(`\n## ${heading}\n`);
  assert.ok(section !== undefined, heading);
  return section;
}

/** The first block of a language in a page or a section, such as `sh` and `yaml`. */
export function firstBlock(text: string, language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text) ?? [];
  assert.ok(block, language);
  return block;
}
