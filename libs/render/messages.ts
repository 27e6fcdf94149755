// What the engine does for texts: it renders the messages of commits and alerts from templates, and makes OpenPGP
// signatures of commits.
import type { RequestOptions } from './job.ts';
import type { Send } from './send.ts';

/**
 * A value that a policy changes, and the object in whose YAML the value is. A text that the object doesn't have is
 * empty.
 */
export interface TemplateChange {
  setter: string;
  oldValue: string;
  newValue: string;
  object: { apiVersion: string; kind: string; name: string; namespace: string };
}

/** A row of the table in a pull request. */
export interface TemplateImage {
  image: string;
  old: string;
  new: string;
  policy: string;
  digest: string;
}

/** Go templates, and the data that they can use. */
export interface TextsRequest {
  /**
   * At most 200 templates of 64 KiB each. Messages name a template by its `name`, which is `commit message` in Flux.
   */
  templates: readonly { name: string; text: string }[];
  automation: { namespace: string; name: string };
  values: Readonly<Record<string, string>>;
  files: readonly { path: string; changes: readonly TemplateChange[] }[];
  /** Set for the texts of a pull request, whose templates can use it as `.Images`. */
  images?: readonly TemplateImage[] | undefined;
}

/** The templates of an Alert, and the data that they can use. */
export interface AlertTextsRequest {
  /** At most 2 templates of 64 KiB each. */
  templates: readonly { name: string; text: string }[];
  data: {
    /** Templates see `.Event.Kind` and so on; the fields here begin with a small letter. */
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
  /** The name of the key's Secret, for messages. */
  secret: string;
  /** Armored. */
  key: string;
  passphrase?: string | undefined;
  /** What to sign. Without it the key is only checked. */
  payload?: Buffer | undefined;
}

/** Every call rejects with a RenderError that has the message of Flux's image-automation-controller. */
export interface MessageOperations {
  /**
   * Renders texts with those functions of sprig that give the same result everywhere. A text may have 256 KiB; all
   * together may take 200,000 rounds of loops and 2 s. Rejects with `TemplateFailed` for a template that can't be used,
   * and with `RemovedTemplateField` for one that uses a field that Flux has removed.
   */
  texts(request: TextsRequest, options: RequestOptions): Promise<string[]>;
  /** The texts of an alert, within the same bounds. Rejects with `TemplateFailed` for a template that can't be used. */
  alertTexts(request: AlertTextsRequest, options: RequestOptions): Promise<string[]>;
  /** The armored signature; empty without a payload. Rejects with `SigningKeyInvalid`. Nothing of the key is kept. */
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
