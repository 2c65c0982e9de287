import { parseLogLine } from './parse-log-line.ts';

/** A failure that is known by what a process writes. */
export interface KnownFailure {
  readonly code: string;
  /** What is wrong, as a sentence without its full stop. */
  readonly cause: string;
  /** What to do about it. */
  readonly hint: string;
  /** The process goes on all the same, so it is said while it runs, too. */
  readonly survives: boolean;
}

interface Marker extends Omit<KnownFailure, 'cause'> {
  readonly pattern: RegExp;
  /** `$1`, `$2` stand for what the pattern found. */
  readonly cause: string;
}

/**
 * What processes write when they fail (facts/runtime.md §5.3, facts/versions.md §2), the most telling first: a lost etcd, for example,
 * makes other complaints as well.
 */
const MARKERS: readonly Marker[] = [
  {
    code: 'GPU_MEMORY',
    pattern:
      /torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|No available memory for the cache blocks|Free memory on device .* is less than desired/,
    cause: 'the memory of its GPU does not suffice, or something else holds it',
    hint: 'see who holds it with nvidia-smi; lower --gpu-memory-utilization (vLLM), --mem-fraction-static (SGLang) or the context length',
    survives: false,
  },
  {
    code: 'GPU_DRIVER',
    pattern:
      /NVIDIA driver on your system is too old|CUDA driver version is insufficient|forward compatibility was attempted|Found no NVIDIA driver/,
    cause: "the machine's NVIDIA driver is too old for the CUDA of this image, or the container has none",
    hint: 'update the driver (CUDA 12.9 wants 575.51, CUDA 13 wants 580), or take an image with an older CUDA',
    survives: false,
  },
  {
    code: 'GPU_MISSING',
    pattern: /libcuda\.so\.1: cannot open shared object|No CUDA GPUs are available|no CUDA-capable device is detected/,
    cause: 'it wants a GPU, and the container has none',
    hint: 'ask for one: resources.limits.gpu, or nvidia.com/gpu, of the component',
    survives: false,
  },
  {
    code: 'SHM_FULL',
    pattern:
      /No space left on device.*\/dev\/shm|\/dev\/shm.*No space left on device|insufficient shared memory \(shm\)/,
    cause: '/dev/shm is full',
    hint: 'raise it: sharedMemory.size of the component, or a Memory emptyDir at /dev/shm',
    survives: false,
  },
  {
    code: 'CONTAINER_DISK_FULL',
    pattern: /No space left on device|Disk quota exceeded/,
    cause: 'the disk is full',
    hint: 'docker system df shows what takes the space',
    survives: false,
  },
  {
    code: 'HF_TOKEN',
    pattern:
      /401 Client Error|GatedRepoError|Cannot access gated repo|Access to model .* is restricted|Invalid user token|403 Client Error.*huggingface/,
    cause: 'Hugging Face refuses the model without a token that may read it',
    hint: 'accept the licence of the model on its page, and set HF_TOKEN or run huggingface-cli login',
    survives: true,
  },
  {
    code: 'MODEL_MISSING',
    pattern:
      /Repository ?Not ?Found|Failed to fetch model|Is this a valid HuggingFace ID|unable to extract config\.json|is not a local folder and is not a valid model identifier|LocalEntryNotFoundError|ModelExpress download failed|Model path .* does not exist|Model snapshots for .* not found|does not appear to have a file named config\.json|No such file or directory.*(?:config|tokenizer)\.json|OfflineModeIsEnabled/i,
    cause: 'it does not find the model: the name is wrong, or the hub cannot be reached and no cache has it',
    hint: 'check the name, mount the directory of a local model into every component, or let the hub be reached',
    survives: false,
  },
  {
    code: 'MODULE_MISSING',
    pattern: /(?:ModuleNotFoundError: )?No module named '?([\w.]+)/,
    cause: 'its Python has no module $1',
    hint: 'take the image made for this component (--image COMPONENT=REF), or for processes an interpreter that has it (--python)',
    survives: false,
  },
  {
    // The operator keeps python3 as the command where a component gives args alone (facts/operator.md §4.5).
    code: 'ARGS_WITHOUT_COMMAND',
    pattern: /^usage: (?:\S*\/)?python[\d.]* \[option\]/,
    cause: 'its args went to Python itself, not to a program: args without a command replace the -m that names it',
    hint: 'begin args with the program ("-m", "dynamo.frontend", …), or give command as well; in the cluster it fails the same',
    survives: false,
  },
  {
    code: 'FLAG_UNKNOWN',
    pattern: /(?:unrecognized arguments:|Unknown arguments specified:|invalid choice:|no such option:)\s*(.{1,120})/i,
    cause: 'its program does not know: $1',
    hint: 'flags differ by version: check args against --help of the image, or take the image that the file was written for',
    survives: false,
  },
  {
    code: 'NATS_NO_JETSTREAM',
    pattern: /JetStream (?:not available|unavailable)|failed to get Object Store/i,
    cause: 'NATS runs without JetStream, which runtimes before 1.0 need',
    hint: 'start nats-server with --jetstream',
    survives: false,
  },
  {
    code: 'LEASE_LOST',
    pattern: /lease - expired or revoked|Unable to maintain lease|lease (?:\S+ )?(?:expired|revoked)/i,
    cause: 'it lost its lease: etcd went away for longer than a lease lives, or came back without its data',
    hint: 'dynamo logs etcd shows what happened to etcd; dynamo up starts what ended',
    survives: false,
  },
  {
    code: 'ETCD_UNREACHABLE',
    pattern:
      /Unable to connect to etcd|Unable to create lease|creating primary lease|Could not connect to etcd|etcd not reachable yet|etcd startup connection timed out/,
    cause: 'it cannot reach etcd',
    hint: 'check ETCD_ENDPOINTS of the component, and dynamo logs etcd',
    survives: true,
  },
  {
    code: 'NATS_UNREACHABLE',
    pattern: /Failed to connect to NATS|NATS not reachable yet|NATS startup connection timed out/,
    cause: 'it cannot reach NATS',
    hint: 'check NATS_SERVER of the component, and dynamo logs nats',
    survives: true,
  },
  {
    code: 'PORT_CLASH',
    pattern:
      /could not bind to address|port (\d+) already in use|Failed to bind to address|[Aa]ddress already in use|System status server startup failed/,
    cause: 'two of its processes want the same port',
    hint: 'give each its own port (DYN_SYSTEM_PORT, --http-port); containers of different replicas never collide',
    survives: true,
  },
  {
    code: 'MODEL_CARDS_DIFFER',
    pattern: /Checksum for new worker does not match/,
    cause: 'two workers serve one model name with different models or settings',
    hint: 'give all workers of a model the same path and flags, or models names of their own',
    survives: true,
  },
  {
    code: 'MODEL_NOT_LOADED',
    pattern: /Error adding model from discovery/,
    cause: 'the frontend cannot read the tokenizer of a registered model',
    hint: 'mount the model into the frontend at the same path, or keep the system port of the worker (DYN_SYSTEM_PORT)',
    survives: true,
  },
  {
    code: 'REGISTER_FAILED',
    pattern:
      /Failed to register discoverable service|Unable to register service for discovery|Model registration failed|Failed to serve endpoints/,
    cause: 'it could not register itself in etcd',
    hint: 'look for what it says before, and at dynamo logs etcd',
    survives: false,
  },
  {
    code: 'PLANE_INVALID',
    pattern: /Invalid request plane mode: '?(\w+)|Unknown DYN_DISCOVERY_BACKEND value|Invalid TCP bind address/,
    cause: 'a variable that chooses a plane or its address has a value that this version does not know',
    hint: 'check DYN_REQUEST_PLANE, DYN_EVENT_PLANE, DYN_DISCOVERY_BACKEND and DYN_TCP_RPC_HOST of the component',
    survives: false,
  },
  {
    code: 'IMPORT_FAILED',
    pattern: /^(?:ImportError|SyntaxError|AttributeError: module .* has no attribute).*$/,
    cause: 'Python fails while it loads the program: $&',
    hint: 'the image does not fit the program: check its tag, or --image COMPONENT=REF',
    survives: false,
  },
];

/** The last line of a Python traceback, and Rust's first of a panic. */
const EXCEPTION = /^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit): .+|^thread '.*' panicked at .+/;

function fill(marker: Marker, match: RegExpExecArray): KnownFailure {
  const cause = marker.cause.replace(/\$(\d|&)/g, (_, group: string) =>
    (match[group === '&' ? 0 : Number(group)] ?? '').trim(),
  );
  return { code: marker.code, cause, hint: marker.hint, survives: marker.survives };
}

/** What one line tells of a failure; undefined for most lines. */
export function recognizeLine(line: string): KnownFailure | undefined {
  const { message } = parseLogLine(line);
  for (const marker of MARKERS) {
    const match = marker.pattern.exec(message);
    if (match) return fill(marker, match);
  }
  return undefined;
}

/** The most telling failure in the last lines of a log; the later line counts where two tell the same. */
export function recognizeFailure(lines: readonly string[]): KnownFailure | undefined {
  const messages = lines.map((line) => parseLogLine(line).message);
  for (const marker of MARKERS) {
    const match = messages.map((message) => marker.pattern.exec(message)).findLast((found) => found !== null);
    if (match) return fill(marker, match);
  }
  return undefined;
}

/** The exception or panic that a log ends with, in its own words; undefined when there is none. */
export function lastException(lines: readonly string[]): string | undefined {
  return lines.map((line) => parseLogLine(line).message).findLast((message) => EXCEPTION.test(message));
}
