#!/bin/bash
# Two workers behind a frontend that routes by the KV cache, on a CPU.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-local/tiny}"
NUM_WORKERS="${NUM_WORKERS:-2}"

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" --router-mode kv &

for i in $(seq 1 "$NUM_WORKERS"); do
    DYN_SYSTEM_PORT=$((8080 + i)) \
        python3 -m dynamo.mocker --model-path "$MODEL" --model-name "$MODEL" "$@" &
done

wait -n
