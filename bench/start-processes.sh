#!/usr/bin/env bash
# What one would write by hand to run launch/mocker/disagg.yaml without containers: the same processes, each started as soon as it can be.
# Usage: start-processes.sh PYTHON FOLDER HTTP_PORT FIRST_FREE_PORT; FOLDER has the model; process ids go to FOLDER/pids.
# etcd is used where it is on PATH, else files.
set -euo pipefail
readonly PYTHON=$1 FOLDER=$2 HTTP_PORT=$3 FREE=$4
cd "$FOLDER"
: > pids

start() {
  local log=$1
  shift
  setsid "$@" > "$log.log" 2>&1 < /dev/null &
  echo $! >> pids
}

export HF_HOME=$FOLDER/hf HF_HUB_OFFLINE=1 DYN_NAMESPACE=bench DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS='["generate"]'
if command -v etcd > /dev/null; then
  client=http://127.0.0.1:$FREE peer=http://127.0.0.1:$((FREE + 1))
  start etcd etcd --name=etcd --data-dir="$FOLDER/etcd" --listen-client-urls="$client" --advertise-client-urls="$client" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="etcd=$peer" \
    --heartbeat-interval=10 --election-timeout=100
  until curl -sf "$client/health" | grep -q true; do sleep 0.02; done
  export DYN_DISCOVERY_BACKEND=etcd ETCD_ENDPOINTS=$client
else
  export DYN_DISCOVERY_BACKEND=file DYN_FILE_KV=$FOLDER/discovery DYN_REQUEST_PLANE=tcp DYN_EVENT_PLANE=zmq
fi
start frontend "$PYTHON" -m dynamo.frontend --http-port "$HTTP_PORT"
for role in prefill decode; do
  DYN_SYSTEM_PORT=$((FREE + 2 + ${#role})) start "$role" \
    "$PYTHON" -m dynamo.mocker --model-path local/tiny --model-name local/tiny --disaggregation-mode "$role"
done
