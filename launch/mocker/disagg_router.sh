#!/bin/bash
# One prefill and two decode workers behind a frontend that routes by the KV cache, on a CPU.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-local/tiny}"
COMMON_ARGS=(--model-path "$MODEL" --model-name "$MODEL")
port=8081

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" --router-mode kv &

for role in prefill decode decode; do
    DYN_SYSTEM_PORT=$((port++)) \
        python3 -m dynamo.mocker "${COMMON_ARGS[@]}" --disaggregation-mode "$role" "$@" &
done

wait -n
