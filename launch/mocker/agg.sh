#!/bin/bash
# One frontend and one worker, on a CPU: the mocker answers in an engine's place.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-local/tiny}"
HTTP_PORT="${DYN_HTTP_PORT:-8000}"

python3 -m dynamo.frontend --http-port "$HTTP_PORT" &

DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT1:-8081}" \
    python3 -m dynamo.mocker --model-path "$MODEL" --model-name "$MODEL" "$@" &

wait -n
