/** What the program reads of its environment, for the manual page and docs/cli.md. */
export const ENVIRONMENT = {
  VAULT_DR_CONFIG: 'configuration of vault-dr, as --config',
  VAULT_DR_OPERATOR: 'your name for the audit trail, as --as',
  VAULT_DR_APPROVAL_KEY: 'your SSH key for approvals, as approve --key',
  VAULT_DR_LOG_LEVEL: 'log level of controller and agent; default: info',
  VAULT_DR_READY_FILE: 'file that exists while controller or agent poll Temporal',
  VAULT_DR_SKIP_REPLAY_CHECK: 'as worker --skip-replay-check',
  VAULT_DR_CLUSTER: 'cluster of the agent on this host, as agent --cluster',
  VAULT_DR_NODE: 'node on this host, as agent --node',
  VAULT_DR_TEMPORAL: "Temporal's own CLI, as temporal --temporal",
  VAULT_DR_MAX_CACHED_WORKFLOWS: '0: the controller replays each run at every step, for tests',
  TEMPORAL_CONFIG_FILE: 'file with Temporal profiles, as --temporal-config',
  TEMPORAL_PROFILE: 'profile in that file, as --profile',
  TEMPORAL_ADDRESS: 'address of Temporal, as for the temporal CLI; so are the next two',
  TEMPORAL_NAMESPACE: 'its namespace',
  TEMPORAL_API_KEY: 'key for it',
  NO_COLOR: 'no colours, whatever its value',
} as const;
