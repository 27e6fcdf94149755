// The interface between the service and a kind of images.
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
  /** Publish events of an object under the name of Flux's controller for its kind. */
  recorders: Record<Component, Recorder>;
  /** All ImageRepositories, whichever replica owns them. */
  repositories: Informer<ImageRepository>;
  /** All ImagePolicies, whichever replica owns them. */
  policies: Informer<ImagePolicy>;
  /** Images in registries, as ImageRepositories name them. */
  images: Images;
  /** Identities in clouds, of the service and of service accounts. */
  identities: Identities;
  pool: RenderPool;
  /** Objects of a kind that are worked on at a time. */
  concurrency: number;
  /** The shortest interval that an object may have, in ms. */
  minIntervalMs: number;
  /** Whether references to other namespaces are refused. */
  noCrossNamespaceRefs: boolean;
  /** Aborts when the service stops. */
  signal: AbortSignal;
}

/** The controllers of Flux that the service replaces; also the field managers of its writes. */
export const COMPONENTS = ['image-reflector-controller', 'image-automation-controller'] as const;
export type Component = (typeof COMPONENTS)[number];

/** The entry of a kind in the table of kinds: everything that the service needs to know about it. */
export interface ImageKind<T extends KubeObject> {
  kind: Kind;
  informer: Informer<T>;
  /** The key that decides which replica owns an object. */
  ownershipKey(object: T): string;
  reconcile(object: T, context: ReconcileContext): Promise<Outcome>;
  /**
   * Subscribes to changes elsewhere that start runs of objects. Returns a function that ends the subscriptions.
   * @param controller runs the objects of this kind
   */
  connect?(controller: Controller): () => void;
}

/** Opens what a kind needs for itself; the environment's stack closes it. */
export type OpenKind<T extends KubeObject> = (environment: ImageEnvironment) => ImageKind<T>;
