// A real OpenID provider with a few people, over TLS. Ready once it has printed its port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';

const [keyFile, certificateFile, redirectUri] = process.argv.slice(2);

/** By what is typed at the login. */
const PEOPLE = {
  ann: { preferred_username: 'ann', groups: ['ops'], email: 'ann@example.com', email_verified: true },
  bea: { preferred_username: 'bea', groups: ['approvers'], email: 'bea@example.com', email_verified: true },
  // As if somebody had chosen the name of another.
  eve: { preferred_username: 'e\u200bve', groups: ['ops'], email: 'ann@example.com', email_verified: false },
};

const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`https://localhost:${port}`, {
    clients: [
      {
        client_id: 'vault-dr',
        client_secret: 'a-secret-of-the-test',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: {
      openid: ['sub'],
      profile: ['preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    scopes: ['openid', 'profile', 'email', 'groups'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['of the test'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
  });
  server.on('request', provider.callback());
  process.stdout.write(`${port}\n`);
});
