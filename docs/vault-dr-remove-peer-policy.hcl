# What the login needs beside vault-dr-policy.hcl for --remove-peer: a dead member that an approved plan names is taken out of the
# cluster. Whoever has it can take others out as well.

path "sys/storage/raft/remove-peer" {
  capabilities = ["update"]
}
