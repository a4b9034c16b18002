#!/bin/sh
# Runs the agent, and ends Vault when the container ends. Elsewhere Vault outlives its agent; here it would be killed.
set -u

# Made by docker/prepare.mjs, which has put its public half into the configuration.
if [ ! -e /vault/state/agent-key.pem ]; then
  mkdir -p -m 0700 /vault/state
  install -m 0600 /run/secrets/agent-key.pem /vault/state/agent-key.pem
fi

vault-dr agent "$@" &
agent=$!
trap 'kill -TERM "$agent"' TERM INT

wait "$agent"
status=$?
# A trapped signal ends `wait`, not the agent.
while kill -0 "$agent" 2>/dev/null; do
  wait "$agent"
  status=$?
done

# The pid, and when that process began: a later process with the same pid is left alone.
read -r vault started </vault/state/vault.pid || exit "$status"
runs() { [ "$(cut -d ' ' -f 22 "/proc/$vault/stat" 2>/dev/null)" = "$started" ]; }
if runs; then kill -TERM "$vault"; fi
while runs; do sleep 0.2; done
exit "$status"
