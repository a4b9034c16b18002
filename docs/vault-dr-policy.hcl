# What vault-dr may do in a running cluster: take a snapshot, see who the peers are, end its own login. It reads no secret.
# A restore on blank nodes needs no policy: it works with throwaway keys. One in place needs vault-dr-restore-policy.hcl.

path "sys/storage/raft/snapshot" {
  capabilities = ["read"]
}

path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}

path "sys/storage/raft/autopilot/state" {
  capabilities = ["read"]
}

# With `method: filesystem`: whether autopilot would remove the node that is stopped.
path "sys/storage/raft/autopilot/configuration" {
  capabilities = ["read"]
}

# OpenBao: names of namespaces, for those that have keys of their own and stay sealed after a restore.
path "sys/namespaces" {
  capabilities = ["list"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# For `vault-dr ready`: until when its own login works. Of a secret id only somebody who has it can ask.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/+/role/+/secret-id/lookup" {
  capabilities = ["update"]
}

# For `vault-dr ready`: the SHA-256 of external plugins, which the files on each node should have.
path "sys/plugins/catalog" {
  capabilities = ["read"]
}

# Only with backup.canary, and then with its path: a nonce is written there before a capture and read after a restore.
path "secret/data/vault-dr-canary" {
  capabilities = ["create", "update", "read"]
}
