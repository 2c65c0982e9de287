#!/bin/bash
# Prefill and decode apart, a GPU each. Arguments are handed to every worker.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-Qwen/Qwen3-0.6B}"

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" &

CUDA_VISIBLE_DEVICES=0 DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT1:-8081}" \
    python3 -m dynamo.sglang \
    --model-path "$MODEL" \
    --page-size 16 \
    --disaggregation-mode prefill \
    --disaggregation-transfer-backend nixl --disaggregation-bootstrap-port 12345 --host 0.0.0.0 \
    "$@" &

CUDA_VISIBLE_DEVICES=1 DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT2:-8082}" \
    python3 -m dynamo.sglang \
    --model-path "$MODEL" \
    --page-size 16 \
    --disaggregation-mode decode \
    --disaggregation-transfer-backend nixl --disaggregation-bootstrap-port 12345 --host 0.0.0.0 \
    "$@" &

wait -n
