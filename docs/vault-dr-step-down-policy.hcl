# What the login needs beside vault-dr-policy.hcl with restore.rollingRestart: at the end of a recovery another node is made the
# leader once. Without it nobody of vault-dr can move the leadership.

path "sys/step-down" {
  capabilities = ["update", "sudo"]
}
