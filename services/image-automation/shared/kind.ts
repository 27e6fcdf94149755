// What a kind of images is to the service.
import type { ImagePolicy, ImageRepository, Kind } from '@weir/api';
import type { Controller, Informer, Outcome, ReconcileContext } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { Identities } from '@weir/identity';
import type { KubeObject } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { ServiceParts } from '@weir/service';
import type { Images } from './images.ts';

/** What the service gives to every kind. */
export interface ImageEnvironment extends Omit<ServiceParts, 'recorder'> {
  /** Report what happened to an object under the name of the controller of Flux whose kind it is. */
  recorders: Record<Component, Recorder>;
  /** All ImageRepositories, whichever replica owns them. */
  repositories: Informer<ImageRepository>;
  /** All ImagePolicies, whichever replica owns them. */
  policies: Informer<ImagePolicy>;
  /** What registries have, as ImageRepositories name it. */
  images: Images;
  /** Who the service, or the account of an object, is in a cloud. */
  identities: Identities;
  pool: RenderPool;
  /** Objects of a kind that are worked on at a time. */
  concurrency: number;
  /** The shortest interval that an object may have, in ms. */
  minIntervalMs: number;
  /** Whether objects may use those of other namespaces at all. */
  noCrossNamespaceRefs: boolean;
  /** Aborts when the service stops. */
  signal: AbortSignal;
}

/** The controllers of Flux that the service stands in for; also the field managers of what it writes. */
export const COMPONENTS = ['image-reflector-controller', 'image-automation-controller'] as const;
export type Component = (typeof COMPONENTS)[number];

/** The row of a kind in the table of kinds: all that the service needs to know of it. */
export interface ImageKind<T extends KubeObject> {
  kind: Kind;
  informer: Informer<T>;
  /** What decides which replica owns an object. */
  ownershipKey(object: T): string;
  reconcile(object: T, context: ReconcileContext): Promise<Outcome>;
  /**
   * Makes objects run for what happens elsewhere. Returns the way to stop that.
   * @param controller runs the objects of this kind
   */
  connect?(controller: Controller): () => void;
}

/** Opens what is a kind's own. What it opens goes onto the environment's stack. */
export type OpenKind<T extends KubeObject> = (environment: ImageEnvironment) => ImageKind<T>;
