# What vault-dr may do in a running cluster: take a snapshot and see who the peers are. It reads no secret.
# A restore needs no policy at all: it works on a blank node with throwaway keys.

path "sys/storage/raft/snapshot" {
  capabilities = ["read"]
}

path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}

path "sys/storage/raft/autopilot/state" {
  capabilities = ["read"]
}
