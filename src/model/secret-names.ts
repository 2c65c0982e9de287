const SECRET = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|ACCESS_KEY_ID|SECRET_KEY|CREDENTIALS)$/;

/** Whether the value of a variable of this name is to be kept in a Secret and out of every output. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name);
}
