const SECRET_KEY =
  /^(?:proxy[-_]?)?authorization$|^(?:set-)?cookie$|password|passwd|passphrase|secret(?:key|access)?$|(?:^|[-_a-z])token$|api[-_]?key$|private[-_]?key$|credentials?$/i;

/** True for the names of fields whose value must never be logged: password, token, authorization ... */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}
