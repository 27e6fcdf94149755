// Every kind that Weir serves, in the order of a change's way through them.
import { Alert } from './alert.ts';
import { GitRepository } from './gitrepository.ts';
import type { Kind } from './kind.ts';
import { Kustomization } from './kustomization.ts';
import { Provider } from './provider.ts';

export const kinds: readonly Kind[] = [GitRepository, Kustomization, Provider, Alert];
