# What vault-dr may do in the Consul in which Vault stores: take and restore a snapshot, see who its servers are, and read
# and write what is below Vault's prefix.

# Consul has no smaller right for snapshots, neither to take nor to restore one: a snapshot holds every ACL token. Whoever
# has this token can make itself any other.
acl = "write"

# The servers, their health, and the leader.
operator = "read"

agent_prefix "" {
  policy = "read"
}

# Vault's `path`: the HA lock is removed before Vault starts on restored data.
key_prefix "vault/" {
  policy = "write"
}

# The sessions that hold locks.
session_prefix "" {
  policy = "read"
}
