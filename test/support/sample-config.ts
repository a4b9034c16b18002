/** A configuration with one cluster `prod` of one node that nobody talks to, and directory repositories. */
export function sampleConfig(places: {
  /** Paths by name, in the order of the cluster's list. */
  repositories: Record<string, string>;
  publicKeyFile: string;
  privateKeyFile?: string;
}): string {
  const { repositories, publicKeyFile, privateKeyFile } = places;
  const privateKey = privateKeyFile === undefined ? '' : `, privateKey: { file: ${privateKeyFile} }`;
  return `clusters:
  prod:
    nodes:
      - name: vault-1
        address: http://127.0.0.1:1
        clusterAddress: 127.0.0.1:2
        dataDir: /opt/vault/data
        service: { driver: command, start: [up], stop: [down], status: [ask] }
    auth: { method: token, token: { file: /does/not/exist } }
    repositories: [${Object.keys(repositories).join(', ')}]
    backup: { retention: { last: 2, minimum: 1 } }
    restore: { trust: namespace }
repositories:
${Object.entries(repositories)
  .map(([name, path]) => `  ${name}: { type: directory, path: ${path} }`)
  .join('\n')}
signing: { publicKeyFile: ${publicKeyFile}${privateKey} }
`;
}

/** With settings that this version has no more, on the lines 14 and 15. */
export function configOfEarlierVersion(): string {
  const now = sampleConfig({ repositories: { local: '/backups' }, publicKeyFile: '/signing.pub' });
  return now.replace(
    '    repositories: [local]\n',
    `    repositories: [local]
    method: consul
    consul:
      addresses: [https://consul.example.com:8501]
      scope: all
      allowStale: false
`,
  );
}
