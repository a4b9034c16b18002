disable_mlock = true
api_addr      = "http://127.0.0.1:8200"
cluster_addr  = "https://127.0.0.1:8201"

storage "raft" {
  path                   = "/tmp/vault-dr-example/vault-1/data"
  node_id                = "vault-1"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "127.0.0.1:8200"
  cluster_address = "127.0.0.1:8201"
  tls_disable     = true
}
