export * from './informer.ts';
export * from './membership.ts';
export * from './reconcile.ts';
export * from './service.ts';
export * from './settings.ts';
