// The page about differences from Flux, as the tests read it that hold it to what is recorded.
import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/compatibility.md', import.meta.url);

export interface CompatibilitySection {
  /** The part of the page that the section is in, such as `Sources`. */
  part: string;
  heading: string;
  /** What is below the heading. */
  text: string;
  /** The services that a section of several services says it concerns, such as `sources`; empty for all others. */
  concerns: string[];
}

/** The sections of docs/compatibility.md, in the order of the page. */
export function compatibilitySections(): CompatibilitySection[] {
  const [, ...parts] = readFileSync(PAGE, 'utf8').split(/^## /m);
  return parts.flatMap((whole) => {
    const [introduction = '', ...sections] = whole.split(/^### /m);
    const [part = ''] = introduction.split('\n', 1);
    return sections.map((section) => {
      const [heading = ''] = section.split('\n', 1);
      const text = section.slice(heading.length);
      const concerns = /^\n\nConcerns: (.*)\.\n/.exec(text)?.[1]?.split(', ') ?? [];
      return { part, heading, text, concerns };
    });
  });
}
