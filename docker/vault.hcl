# Configuration of Vault in docker-compose.yml, the same on each node. What differs comes from the environment that
# docker/vault-dr.yaml gives it: VAULT_RAFT_NODE_ID, VAULT_API_ADDR and VAULT_CLUSTER_ADDR.
# No retry_join: a node that joins by itself would join the blank cluster that exists for seconds during a restore.
ui            = true
disable_mlock = true

storage "raft" {
  # Below the volume, not the volume itself: a mount point can't be renamed, and so not be set aside.
  path = "/vault/data"
}

listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "0.0.0.0:8201"
  tls_cert_file   = "/run/secrets/vault.pem"
  tls_key_file    = "/run/secrets/vault.key"
}
