// What the engine does for commits: their messages, from templates, and their OpenPGP signatures.
import type { RequestOptions } from './job.ts';
import type { Send } from './send.ts';

/** A value that a policy changes, and the object in whose YAML it is; texts that the object lacks are empty. */
export interface TemplateChange {
  setter: string;
  oldValue: string;
  newValue: string;
  object: { apiVersion: string; kind: string; name: string; namespace: string };
}

/** A row of the table of a pull request. */
export interface TemplateImage {
  image: string;
  old: string;
  new: string;
  policy: string;
  digest: string;
}

/** Templates of Go, and what they see. */
export interface TextsRequest {
  /** At most 200 of 64 KiB each; messages name them as `name`, which is `commit message` in Flux. */
  templates: readonly { name: string; text: string }[];
  automation: { namespace: string; name: string };
  values: Readonly<Record<string, string>>;
  files: readonly { path: string; changes: readonly TemplateChange[] }[];
  /** Given for the texts of a pull request, whose templates see it as `.Images`. */
  images?: readonly TemplateImage[] | undefined;
}

export interface OpenPgpRequest {
  /** How messages name the Secret that the key comes from. */
  secret: string;
  /** Armored. */
  key: string;
  passphrase?: string | undefined;
  /** What to sign; the key is only checked without it. */
  payload?: Buffer | undefined;
}

/** Every call rejects with a RenderError in the words of Flux's image-automation-controller. */
export interface MessageOperations {
  /**
   * Makes texts with the functions of sprig that give the same result everywhere: at most 256 KiB each, 200,000 rounds of loops and 2 s.
   * `TemplateFailed` for a template that can't be used, `RemovedTemplateField` for one that uses what Flux once had.
   */
  texts(request: TextsRequest, options: RequestOptions): Promise<string[]>;
  /** The armored signature, empty without a payload; `SigningKeyInvalid`. Nothing of the key is kept. */
  signOpenPgp(request: OpenPgpRequest, options: RequestOptions): Promise<string>;
}

/** The typed operations over the engine's protocol. */
export function messageOperations(send: Send): MessageOperations {
  return {
    async texts(request, options) {
      return ((await send('template', JSON.stringify(request), options)) as { texts: string[] })
        .texts;
    },
    async signOpenPgp({ payload, ...key }, options) {
      const body = { ...key, payload: payload?.toString('base64') };
      return ((await send('sign', JSON.stringify(body), options)) as { signature: string })
        .signature;
    },
  };
}
