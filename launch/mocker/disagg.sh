#!/bin/bash
# Prefill and decode apart, one worker each, on a CPU.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-local/tiny}"

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" &

DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT1:-8081}" \
    python3 -m dynamo.mocker --model-path "$MODEL" --model-name "$MODEL" --disaggregation-mode prefill "$@" &

DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT2:-8082}" \
    python3 -m dynamo.mocker --model-path "$MODEL" --model-name "$MODEL" --disaggregation-mode decode "$@" &

wait -n
