/**
 * Runs inline Python of a script: equal random numbers in every recording, a `torch` that knows eight GPUs where there is none,
 * and exit status 97 where a package of the image is missing. Arguments: seed, `-c` or `-`, then the code or nothing, then its own.
 */
export const INLINE_PYTHON = `import random, sys, types
seed, mode, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
code = rest.pop(0) if mode == '-c' else sys.stdin.read()
sys.argv = [mode, *rest]
random.seed(seed)
try:
    import torch
except ImportError:
    GPU_BYTES = 80 * 1024**3
    cuda = types.ModuleType('torch.cuda')
    cuda.is_available = lambda: True
    cuda.device_count = lambda: 8
    cuda.mem_get_info = lambda device=0: (GPU_BYTES, GPU_BYTES)
    torch = types.ModuleType('torch')
    torch.cuda = cuda
    sys.modules.update({'torch': torch, 'torch.cuda': cuda})
try:
    exec(compile(code, '<inline>', 'exec'), {'__name__': '__main__'})
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(97)
`;
