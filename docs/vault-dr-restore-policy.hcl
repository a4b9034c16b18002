# What a login under restore.auth may do, beside what vault-dr-policy.hcl allows: load a snapshot into the running cluster.
# Whoever has it can replace all data. Give it to nobody but the agents, and only if you want restores in place.

path "sys/storage/raft/snapshot" {
  capabilities = ["update"]
}

path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
