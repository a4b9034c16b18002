/** In its own file, so that a command's options don't load the parser. */
export const DEFAULT_CONFIG_FILE = '/etc/vault-dr/vault-dr.yaml';
