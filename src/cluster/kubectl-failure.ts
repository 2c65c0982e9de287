import { EXIT, type ExitCode, UserError } from '../model/diagnostic.ts';

interface Known {
  readonly says: RegExp;
  readonly code: string;
  readonly message: string;
  /** `$1` stands for what the pattern found. */
  readonly hint: string;
  readonly exitCode?: ExitCode;
}

/** What kubectl 1.32 writes on stderr, the narrower before the wider: a quota is a Forbidden too. */
const KNOWN: readonly Known[] = [
  {
    says: /exceeded quota/,
    code: 'QUOTA_EXCEEDED',
    message: 'the quota of the namespace has no room for it',
    hint: 'kubectl describe resourcequota shows what is used',
  },
  {
    says: /conflicts? with "|Apply failed with \d+ conflict/,
    code: 'APPLY_CONFLICT',
    message: 'others hold fields that the file sets to something else',
    hint: 'give the file their values, or take the fields over with push --force-conflicts',
  },
  {
    says: /current-context is not set|context "[^"]*" does not exist|no context exists|context was not found|server localhost:8080 was refused|no configuration has been provided/,
    code: 'NO_CONTEXT',
    message: 'kubectl has no cluster to talk to',
    hint: 'kubectl config get-contexts lists them; choose one with --context',
  },
  {
    says: /must be logged in|\(Unauthorized\)|getting credentials: exec/,
    code: 'NOT_LOGGED_IN',
    message: 'the cluster does not accept the credentials of kubectl',
    hint: 'log in again as your cluster wants it',
  },
  {
    says: /doesn't have a resource type|no matches for kind|could not find the requested resource/,
    code: 'CRD_MISSING',
    message: 'the cluster does not know the kind DynamoGraphDeployment in this version',
    hint: 'install the Dynamo operator there; kubectl api-resources --api-group=nvidia.com shows what it has',
  },
  {
    says: /namespaces "([^"]*)" not found/,
    code: 'NAMESPACE_MISSING',
    message: 'the cluster has no such namespace',
    hint: 'kubectl create namespace $1',
  },
  {
    says: /\(NotFound\)/,
    code: 'NOT_THERE',
    message: 'the cluster has nothing of that name in the namespace',
    hint: 'kubectl get dynamographdeployments -A lists the graphs',
    exitCode: EXIT.usage,
  },
  {
    says: /admission webhook "[^"]*" denied|\(BadRequest\)|is invalid:|strict decoding error|\(Invalid\)/,
    code: 'CLUSTER_REFUSED',
    message: 'the cluster refuses the graph',
    hint: 'dynamo validate FILE shows where',
    exitCode: EXIT.usage,
  },
  {
    says: /\(Forbidden\)|is forbidden:/,
    code: 'FORBIDDEN',
    message: 'you may not do this there',
    hint: 'ask for the right; kubectl auth can-i --list shows those you have',
  },
  {
    says: /Unable to connect|connection refused|was refused|i\/o timeout|no such host|TLS handshake|x509:/,
    code: 'CLUSTER_UNREACHABLE',
    message: 'the cluster does not answer',
    hint: 'kubectl cluster-info shows where kubectl looks for it',
  },
];

/** What kubectl said when it failed, as one of our errors with its words below; exit 3 unless the file is at fault. */
export function kubectlFailure(stderr: string): UserError {
  const found = KNOWN.find(({ says }) => says.test(stderr));
  const details = withoutLog(stderr);
  if (found === undefined)
    return new UserError('KUBECTL_FAILED', 'kubectl failed', { exitCode: EXIT.preflight, details });
  const { code, message, hint, exitCode = EXIT.preflight } = found;
  const name = found.says.exec(stderr)?.[1] ?? '';
  return new UserError(code, message, { exitCode, hint: hint.replace('$1', name), details });
}

/** Without the lines that kubectl's libraries log for themselves, `E1127 15:47:29.436265   30545 memcache.go:265] …`, where others are left. */
function withoutLog(stderr: string): string {
  const lines = stderr.trim().split('\n');
  const said = lines.filter((line) => !/^[EIWF]\d{4} \d\d:\d\d:\d\d\.\d+ /.test(line));
  return (said.length > 0 ? said : lines).join('\n');
}
