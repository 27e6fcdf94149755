// Edits by hand, as a person makes them: each changes one field that the app's manifests set.
import type { KubeObject } from '@weir/kube';
import type { AppKind } from './app.ts';

export interface Edit {
  /** A JSON patch (RFC 6902). */
  patch: { op: 'replace'; path: string; value: unknown }[];
  /** The value of the field that the edit changes. */
  field(object: KubeObject): unknown;
}

/** One edit for each kind of the app. */
export const EDITS: Record<AppKind, Edit> = {
  ServiceAccount: edit('/metadata/annotations/example.com~1team', 'another'),
  Service: edit('/spec/selector/app', 'another'),
  Deployment: edit('/spec/template/spec/containers/0/image', 'registry.example.com/app:by-hand'),
  Ingress: edit('/spec/rules/0/host', 'by-hand.example.com'),
};

function edit(path: string, value: unknown): Edit {
  return {
    patch: [{ op: 'replace', path, value }],
    field: (object) => at(object, path),
  };
}

/** The value that a JSON pointer (RFC 6901) names; undefined when there is none. */
export function at(value: unknown, pointer: string): unknown {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce<unknown>(
    (here, key) => (here as Record<string, unknown> | undefined)?.[key],
    value,
  );
}
