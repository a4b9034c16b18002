import type { LoginConfig } from '../../config/settings/login';
import { hostOf } from '../../contract/addresses';

interface Clusters {
  clusters: Readonly<Record<string, { nodes: readonly { name: string; address: string }[] }>>;
}

/** Where Vault itself is an OpenID provider. */
const VAULTS_OWN = /^\/v1\/(.+\/)?identity\/oidc(\/|$)/;

/** Why people could not log in while a Vault is restored; null: nothing of the configuration says so. */
export function issuerDependsOnVault(login: LoginConfig, { clusters }: Clusters): string | null {
  if (login.method !== 'oidc') return null;
  const issuer = new URL(login.issuer);
  for (const [cluster, { nodes }] of Object.entries(clusters)) {
    const node = nodes.find(({ address }) => URL.canParse(address) && hostOf(new URL(address)) === hostOf(issuer));
    if (node !== undefined) {
      return `web.login.issuer is on ${node.name} of ${cluster}: nobody can log in while that cluster is restored.`;
    }
  }
  return VAULTS_OWN.test(issuer.pathname)
    ? 'web.login.issuer is an OpenID provider of Vault: nobody can log in while that Vault is restored, if it is one of yours.'
    : null;
}
