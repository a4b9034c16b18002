/** In a file of its own, so that a command's options don't load what reads it. */
export const DEFAULT_CONFIG_FILE = '/etc/vault-dr/vault-dr.yaml';
