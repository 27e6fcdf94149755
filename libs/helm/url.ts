// The URLs of chart repositories, by Helm's rules.
import { HelmError } from './errors.ts';

/**
 * The URL in the form in which repositories are compared: with one slash at its end over HTTP, with none in a registry.
 * @throws HelmError
 */
export function normalizeUrl(text: string): string {
  const url = parse(text);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = url.protocol === 'oci:' ? path : `${path}/`;
  return url.href;
}

/**
 * The URL of a repository's index, including the query.
 * @throws HelmError
 */
export function indexUrl(repository: string): URL {
  const url = parse(repository);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/index.yaml`;
  return url;
}

/**
 * The URL of a chart in an index. A relative one is resolved against the repository, and gets the repository's query.
 * @throws HelmError
 */
export function chartUrl(repository: string, reference: string): URL {
  if (URL.canParse(reference)) return parse(reference);
  const base = parse(normalizeUrl(repository));
  if (!URL.canParse(reference, base.href)) throw invalid(reference);
  const url = new URL(reference, base);
  url.search = base.search;
  return url;
}

/** A URL for messages: without credentials. */
export function showUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

function parse(text: string): URL {
  if (text.length > 4096 || !URL.canParse(text)) throw invalid(text);
  return new URL(text);
}

function invalid(text: string): HelmError {
  const shown = text.replace(/\/\/[^/@]*@/, '//').slice(0, 300);
  return new HelmError('InvalidUrl', `parse ${JSON.stringify(shown)}: it is no URL`);
}
