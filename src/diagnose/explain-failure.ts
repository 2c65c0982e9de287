import { EXIT, type ExitCode } from '../model/diagnostic.ts';
import type { Evidence, ReplicaEvidence, RoutingEvidence } from '../model/evidence.ts';
import type { FailureCard } from '../model/failure-card.ts';
import { describeProcessEnd } from './process-end.ts';
import { type KnownFailure, lastException, recognizeFailure } from './recognize-failure.ts';
import type { Standing } from './run-record.ts';

/** What stopped an `up`, in the words of whoever noticed. */
export interface Failure {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly message: string;
  readonly hint: string | undefined;
  /** Whom it concerns; undefined: whoever is furthest behind. */
  readonly replica: string | undefined;
}

export interface ExplainInput {
  readonly failure: Failure;
  readonly evidence: Evidence;
  readonly project: string;
  readonly standing: (replica: string) => Standing | undefined;
  /** Replicas of which a container died. */
  readonly died: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

type Verdict = Pick<FailureCard, 'code' | 'exitCode' | 'message' | 'cause' | 'hint'> & {
  readonly about: ReplicaEvidence | undefined;
  readonly lastAnswer?: string | undefined;
};

/**
 * The one card of a failure. The root cause counts and not who noticed: an etcd or NATS that has ended explains everything else, then
 * comes who failed, then (when time ran out) who is furthest behind.
 */
export function explainFailure(input: ExplainInput): FailureCard {
  const { evidence, failure, standing, died, now } = input;
  const verdict = judge(failure, evidence);
  const { about } = verdict;
  const stood = about && standing(about.replica);
  return {
    code: verdict.code,
    exitCode: verdict.exitCode,
    message: verdict.message,
    component: about?.component,
    replica: about?.replica ?? failure.replica,
    ended: about?.ended && describeProcessEnd(about.ended),
    stage: stood?.stage,
    stageMs: stood && now - stood.since,
    lastAnswer: verdict.lastAnswer ?? about?.lastAnswer,
    lastLines: about?.lastLines ?? [],
    alsoFailed: died.filter((replica) => replica !== about?.replica),
    cause: verdict.cause,
    hint: verdict.hint,
    next: `dynamo logs -p ${input.project}${about ? ` ${about.replica}` : ''}`,
  };
}

function judge(failure: Failure, evidence: Evidence): Verdict {
  const server = evidence.replicas.find((entry) => entry.infra && entry.ended);
  if (server?.ended) return judgeServer(server, server.ended);
  const culprit = evidence.replicas.find((entry) => entry.replica === failure.replica);
  if (culprit?.ended && failure.code === 'CONTAINER_DIED') return judgeEnd(culprit, culprit.ended, failure);
  if (failure.code !== 'NOT_READY') return { ...failure, about: culprit, ...known(culprit, failure.hint) };
  return judgeWaiting(failure, culprit ?? furthestBehind(evidence), evidence);
}

function judgeServer(server: ReplicaEvidence, ended: NonNullable<ReplicaEvidence['ended']>): Verdict {
  const end = describeProcessEnd(ended);
  const how = end.oomKilled
    ? 'it was killed for memory'
    : end.signal
      ? `something killed it (${end.signal})`
      : undefined;
  return {
    about: server,
    code: `${server.replica.toUpperCase()}_DIED`,
    exitCode: EXIT.startFailed,
    message: `${server.replica} ended with exit code ${ended.exitCode}; everything else depends on it`,
    cause: how ?? lastException(server.lastLines),
    hint: 'dynamo up starts it anew, and what lost its lease with it',
  };
}

function judgeEnd(culprit: ReplicaEvidence, ended: NonNullable<ReplicaEvidence['ended']>, failure: Failure): Verdict {
  const shared = { about: culprit, exitCode: failure.exitCode, message: failure.message };
  const { signal, oomKilled } = describeProcessEnd(ended);
  if (oomKilled) {
    return {
      ...shared,
      code: 'OUT_OF_MEMORY',
      cause: 'the kernel killed it: it wanted more memory than its limit allows',
      hint: MORE_MEMORY,
    };
  }
  const found = recognizeFailure(culprit.lastLines);
  if (found) return { ...shared, code: found.code, cause: found.cause, hint: found.hint };
  if (signal === 'SIGKILL' && ended.memoryLimited) {
    return {
      ...shared,
      code: 'OUT_OF_MEMORY',
      cause:
        'something killed it (SIGKILL): most likely the kernel, for its limit of memory, which the engine does not always tell',
      hint: MORE_MEMORY,
    };
  }
  return {
    ...shared,
    code: 'CONTAINER_DIED',
    cause: SIGNAL_CAUSES[signal ?? ''] ?? lastException(culprit.lastLines) ?? silentEnd(culprit, ended.exitCode),
    hint: failure.hint ?? 'its last lines say more; dynamo up tries again, --keep-on-failure leaves the rest running',
  };
}

const MORE_MEMORY = 'raise resources.limits.memory of the component, or take the limit away';

const SIGNAL_CAUSES: Readonly<Record<string, string>> = {
  SIGKILL:
    'something killed it (SIGKILL), and it has no limit of memory: docker kill, or the kernel for the whole machine',
  SIGSEGV: 'it crashed (SIGSEGV): a library that does not fit the machine or the driver',
  SIGBUS: 'it crashed (SIGBUS): most often /dev/shm is too small',
  SIGILL: 'it crashed (SIGILL): the image is made for another processor',
  SIGTERM: 'something asked it to end (SIGTERM)',
};

function silentEnd(culprit: ReplicaEvidence, exitCode: number): string | undefined {
  if (exitCode === 0) return 'its program ended by itself; a component must go on running';
  return culprit.lastLines.length === 0 ? 'it wrote nothing' : undefined;
}

/** What its log tells, else what is said already. */
function known(culprit: ReplicaEvidence | undefined, hint: string | undefined): Pick<Verdict, 'cause' | 'hint'> {
  const found = culprit && recognizeFailure(culprit.lastLines);
  return {
    cause: found?.cause,
    hint:
      hint ??
      found?.hint ??
      'dynamo doctor checks this machine; with --keep-on-failure it goes on running, to look inside',
  };
}

/** Who stands on the lowest rung: probes first, then registrations. */
function furthestBehind(evidence: Evidence): ReplicaEvidence | undefined {
  const graph = evidence.replicas.filter((entry) => !entry.infra);
  return (
    evidence.replicas.find((entry) => entry.infra && !entry.ready) ??
    graph.find((entry) => entry.ended) ??
    graph.find((entry) => !entry.ready && recognizeFailure(entry.lastLines)) ??
    graph.find((entry) => !entry.ready) ??
    graph.find((entry) => entry.missing.length > 0)
  );
}

function judgeWaiting(failure: Failure, about: ReplicaEvidence | undefined, evidence: Evidence): Verdict {
  if (about?.ended) return judgeEnd(about, about.ended, failure);
  if (about?.infra) {
    const hint = 'its last lines say more; a machine under load may need a longer --wait-timeout';
    return { ...failure, about, cause: `${about.replica} does not answer yet, and everything waits for it`, hint };
  }
  if (about && !about.ready) return judgeProbe(failure, about);
  if (about && about.missing.length > 0) {
    return {
      ...failure,
      about,
      code: 'NOT_REGISTERED',
      cause:
        known(about, undefined).cause ?? `it runs, but etcd has too few of its instances: ${about.missing.join('; ')}`,
      hint: 'its log says whether it still loads; ETCD_ENDPOINTS and DYN_DISCOVERY_BACKEND decide where it registers',
    };
  }
  return evidence.routing
    ? judgeRouting(failure, evidence.routing, evidence)
    : { ...failure, about, ...known(about, failure.hint) };
}

function judgeProbe(failure: Failure, about: ReplicaEvidence): Verdict {
  const found = recognizeFailure(about.lastLines);
  if (found) return { ...failure, about, code: found.code, cause: found.cause, hint: found.hint };
  const answer = about.lastAnswer ?? '';
  if (/\b(?:404|405|501)\b/.test(answer)) {
    return {
      ...failure,
      about,
      code: 'PROBE_PATH',
      cause: `it serves HTTP, but not at ${about.probe ?? 'the path of its probe'}: the path is wrong`,
      hint: 'workers of Dynamo serve /health and /live on DYN_SYSTEM_PORT, frontends /health and /live on their HTTP port',
    };
  }
  if (/refused/.test(answer)) {
    return {
      ...failure,
      about,
      cause: `nothing listens at ${about.probe ?? 'the port of its probe'}: it still loads, or the port is another`,
      hint: failure.hint ?? 'give it more time with --wait-timeout, or correct the port of its probe',
    };
  }
  if (/\b503\b/.test(answer)) {
    return {
      ...failure,
      about,
      cause: 'it runs and says itself that it is not ready: it still loads, or its engine hangs',
      hint: failure.hint ?? 'give it more time with --wait-timeout',
    };
  }
  return { ...failure, about, ...known(about, failure.hint) };
}

function judgeRouting(failure: Failure, routing: RoutingEvidence, evidence: Evidence): Verdict {
  const about = evidence.replicas.find((entry) => entry.replica === routing.frontend);
  const shared = { about, exitCode: failure.exitCode, lastAnswer: routing.lastAnswer };
  const found: KnownFailure | undefined = about && recognizeFailure(about.lastLines);
  if (routing.namespaces) {
    const { watched, registered } = routing.namespaces;
    return {
      ...shared,
      code: 'NAMESPACE_MISMATCH',
      message: `${routing.frontend} watches namespace ${watched}, and the workers are in ${registered.join(', ')}`,
      cause: 'a frontend lists only models of its own Dynamo namespace',
      hint: 'give frontend and workers the same DYN_NAMESPACE, or leave it out: then the graph gets one',
    };
  }
  if (routing.listed.length === 0) {
    return {
      ...shared,
      code: found?.code ?? 'NOT_LISTED',
      message: `${routing.frontend} lists no model, although its workers are registered`,
      cause:
        found?.cause ??
        'the frontend does not take the registered model: in disaggregated graphs it waits for both halves',
      hint:
        found?.hint ??
        'see what the frontend says about the model; names other than the path need runtime 1.4 or newer',
    };
  }
  return {
    ...shared,
    code: 'NOT_SERVING',
    message: `${routing.frontend} lists ${routing.listed.join(', ')}, but requests fail`,
    cause: `the last one got ${routing.lastAnswer ?? 'no answer'}: frontend and workers do not reach each other, or use different request planes`,
    hint: 'give frontend and workers the same DYN_REQUEST_PLANE; the workers’ logs say whether requests arrive',
  };
}
