#!/bin/bash
# Prefill and decode apart, a GPU each. Arguments are handed to every worker.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-Qwen/Qwen3-0.6B}"

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" &

CUDA_VISIBLE_DEVICES=0 DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT1:-8081}" VLLM_NIXL_SIDE_CHANNEL_PORT=20096 \
    python3 -m dynamo.vllm \
    --model "$MODEL" \
    --disaggregation-mode prefill \
    --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}' \
    "$@" &

CUDA_VISIBLE_DEVICES=1 DYN_SYSTEM_PORT="${DYN_SYSTEM_PORT2:-8082}" VLLM_NIXL_SIDE_CHANNEL_PORT=20097 \
    python3 -m dynamo.vllm \
    --model "$MODEL" \
    --disaggregation-mode decode \
    --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}' \
    "$@" &

wait -n
