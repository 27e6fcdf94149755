export { createGoogleKey, startTokenServer, type TokenServer } from './server.ts';
