#!/bin/bash
# Two prefill and two decode workers behind a frontend that routes by the KV cache, a GPU each. Arguments are handed to every worker.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

MODEL="${MODEL:-Qwen/Qwen3-0.6B}"
NUM_WORKERS="${NUM_WORKERS:-2}"

python3 -m dynamo.frontend --http-port "${DYN_HTTP_PORT:-8000}" --router-mode kv &

for ((i = 0; i < NUM_WORKERS; i++)); do
    CUDA_VISIBLE_DEVICES=$i DYN_SYSTEM_PORT=$((8081 + i)) \
        python3 -m dynamo.sglang \
        --model-path "$MODEL" \
        --page-size 16 \
        --disaggregation-mode prefill \
        --disaggregation-transfer-backend nixl --disaggregation-bootstrap-port $((12345 + i)) --host 0.0.0.0 \
        --kv-events-config "{\"publisher\":\"zmq\",\"topic\":\"kv-events\",\"endpoint\":\"tcp://*:$((20080 + i))\"}" \
        "$@" &
done

for ((i = 0; i < NUM_WORKERS; i++)); do
    CUDA_VISIBLE_DEVICES=$((NUM_WORKERS + i)) DYN_SYSTEM_PORT=$((8081 + NUM_WORKERS + i)) \
        python3 -m dynamo.sglang \
        --model-path "$MODEL" \
        --page-size 16 \
        --disaggregation-mode decode \
        --disaggregation-transfer-backend nixl --disaggregation-bootstrap-port 12345 --host 0.0.0.0 \
        "$@" &
done

wait -n
