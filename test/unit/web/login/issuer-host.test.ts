import { login } from '../../../../src/config/settings/login';
import { issuerDependsOnVault } from '../../../../src/web/login/issuer-host';

const CONFIG = { clusters: { prod: { nodes: [{ name: 'vault-1', address: 'https://vault-1.example.com:8200' }] } } };
const at = (issuer: string) => login.parse({ method: 'oidc', issuer, clientId: 'a' });

describe('the issuer', () => {
  it.each([
    ['on a node', 'https://VAULT-1.example.com.:9000/realms/ops', 'is on vault-1 of prod'],
    ['of Vault itself', 'https://vault.example.com/v1/identity/oidc/provider/default', 'an OpenID provider of Vault'],
    [
      'of a namespace',
      'https://vault.example.com/v1/ns1/identity/oidc/provider/default',
      'an OpenID provider of Vault',
    ],
  ])('%s depends on a Vault', (_, issuer, problem) => {
    expect(issuerDependsOnVault(at(issuer), CONFIG)).toContain(problem);
  });

  it.each([at('https://id.example.com/realms/ops'), login.parse({ method: 'off' })])(
    'elsewhere does not',
    (settings) => {
      expect(issuerDependsOnVault(settings, CONFIG)).toBeNull();
    },
  );
});
