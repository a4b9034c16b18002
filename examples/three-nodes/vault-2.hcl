disable_mlock = true
api_addr      = "http://127.0.0.1:8210"
cluster_addr  = "https://127.0.0.1:8211"

storage "raft" {
  path                   = "/tmp/vault-dr-example/vault-2/data"
  node_id                = "vault-2"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "127.0.0.1:8210"
  cluster_address = "127.0.0.1:8211"
  tls_disable     = true
}
