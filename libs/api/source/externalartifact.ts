// ExternalArtifact: an artifact that another controller fetched or built (Flux's RFC-0012). That controller writes spec
// and status and serves the archive. Weir reads the object as a source, and never writes it.
import type { Static } from 'typebox';
import { kindReference } from '../references.ts';
import { conditionsSchema } from '../schema/condition.ts';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import { anyValues, object, optional } from '../schema/schema.ts';
import { artifactSchema } from './artifact.ts';

const spec = object(
  { sourceRef: optional(kindReference('The object that the artifact was made from.')) },
  'Where the artifact comes from.',
);

const status = object(
  {
    artifact: optional(artifactSchema('The content that was last stored.')),
    conditions: optional(conditionsSchema),
    exportedInputs: optional(
      anyValues('Values that the controller offers to the users of the artifact, by name.'),
    ),
  },
  'What was stored last, and how that went, as its controller says.',
);

export type ExternalArtifactSpec = Static<typeof spec>;
export type ExternalArtifactStatus = Static<typeof status>;
export type ExternalArtifact = Resource<ExternalArtifactSpec, ExternalArtifactStatus>;

export const ExternalArtifact = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'ExternalArtifact',
    plural: 'externalartifacts',
    shortNames: ['ea'],
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description: 'An artifact that a controller outside of Weir made, as a source for others.',
    columns: [
      AGE,
      ...READY_COLUMNS,
      { name: 'Source', type: 'string', jsonPath: '.spec.sourceRef.name' },
    ],
  },
  spec,
  status,
);
