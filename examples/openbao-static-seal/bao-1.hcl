api_addr     = "http://127.0.0.1:8200"
cluster_addr = "https://127.0.0.1:8201"

storage "raft" {
  path                   = "/tmp/vault-dr-example/bao-1/data"
  node_id                = "bao-1"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "127.0.0.1:8200"
  cluster_address = "127.0.0.1:8201"
  tls_disable     = true
}

# The node unseals itself with this key. It must survive the host, and it is not in the backup.
seal "static" {
  current_key_id = "example-1"
  current_key    = "file:///tmp/vault-dr-example/unseal.key"
}
