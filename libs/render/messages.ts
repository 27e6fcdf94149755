// What the engine does for texts: messages of commits and alerts, from templates, and OpenPGP signatures of commits.
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

/** Templates of an Alert, and what they see. */
export interface AlertTextsRequest {
  /** At most 2 of 64 KiB each. */
  templates: readonly { name: string; text: string }[];
  data: {
    /** `.Event.Kind` and so on: `kind` here. */
    event: {
      apiVersion: string;
      kind: string;
      namespace: string;
      name: string;
      uid: string;
      severity: string;
      reason: string;
      message: string;
      timestamp: string;
      controller: string;
      metadata: Readonly<Record<string, string>>;
    };
    object: {
      labels: Readonly<Record<string, string>>;
      annotations: Readonly<Record<string, string>>;
    };
    commit: { revision: string; sha: string; subject: string; author: string };
    alert: { namespace: string; name: string };
    group: { state: string; count: number; names: readonly string[]; since: string };
  };
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
  /** The texts of an alert, within the same bounds; `TemplateFailed` for a template that can't be used. */
  alertTexts(request: AlertTextsRequest, options: RequestOptions): Promise<string[]>;
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
    async alertTexts(request, options) {
      const answer = await send('template.alert', JSON.stringify(request), options);
      return (answer as { texts: string[] }).texts;
    },
    async signOpenPgp({ payload, ...key }, options) {
      const body = { ...key, payload: payload?.toString('base64') };
      return ((await send('sign', JSON.stringify(body), options)) as { signature: string })
        .signature;
    },
  };
}
