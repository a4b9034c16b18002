disable_mlock = true
api_addr      = "http://127.0.0.1:8220"
cluster_addr  = "https://127.0.0.1:8221"

storage "raft" {
  path                   = "/tmp/vault-dr-example/vault-3/data"
  node_id                = "vault-3"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "127.0.0.1:8220"
  cluster_address = "127.0.0.1:8221"
  tls_disable     = true
}
