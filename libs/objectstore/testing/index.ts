export {
  errorAnswer,
  listPage,
  type Script,
  type ScriptedObject,
  type ScriptedServer,
  startScripted,
} from './scripted.ts';
