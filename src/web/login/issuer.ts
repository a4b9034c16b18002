import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ClientAuth, Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import { readSecret } from '../../config/secret';
import type { OidcConfig } from '../../config/settings/login';
import { hostOf, isLoopbackHost } from '../../contract/addresses';
import { DrError } from '../../contract/failures';

/** What a login begins with, and its answer must fit to. */
export interface LoginChecks {
  state: string;
  nonce: string;
  verifier: string;
}

const TIMEOUT_SECONDS = 10;
/** Of what the issuer says about itself. Its keys are read again by themselves. */
const KNOWN_FOR_MS = 60 * 60 * 1_000;

/** ESM only. */
const openid = () => import('openid-client');

/** The identity provider: it is asked once somebody logs in, so that these pages start without it. */
export class Issuer {
  #known: { configuration: Promise<Configuration>; until: number } | null = null;

  constructor(
    private readonly settings: OidcConfig,
    /** `https://vault-dr.example.com/login/callback` */
    private readonly redirectUri: string,
  ) {}

  async checks(): Promise<LoginChecks> {
    const { randomState, randomNonce, randomPKCECodeVerifier } = await openid();
    return { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
  }

  /** Where the browser is sent to log in. */
  async address({ state, nonce, verifier }: LoginChecks): Promise<URL> {
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await openid();
    return buildAuthorizationUrl(await this.#configuration(), {
      redirect_uri: this.redirectUri,
      scope: ['openid', ...this.settings.scopes.filter((scope) => scope !== 'openid')].join(' '),
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
  }

  /**
   * What the issuer says of who comes back: issuer, audience, signature, times and nonce of its token are checked.
   * @param search of the address that the browser comes back to
   */
  async claims(search: string, { state, nonce, verifier }: LoginChecks): Promise<Record<string, unknown>> {
    const { authorizationCodeGrant, fetchUserInfo } = await openid();
    const configuration = await this.#configuration();
    const address = new URL(this.redirectUri);
    address.search = search;
    const tokens = await authorizationCodeGrant(configuration, address, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new DrError('InvalidInput', 'The issuer has sent no ID token.');
    if (this.settings.claimsFrom === 'idToken') return claims;
    // It is checked that they are of the same subject.
    return { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
  }

  #configuration(): Promise<Configuration> {
    const now = Date.now();
    if (this.#known === null || this.#known.until < now) {
      const configuration = this.#discover();
      const known = { configuration, until: now + KNOWN_FOR_MS };
      this.#known = known;
      configuration.catch(() => {
        if (this.#known === known) this.#known = null;
      });
    }
    return this.#known.configuration;
  }

  async #discover(): Promise<Configuration> {
    const client = await openid();
    const { issuer, clientId } = this.settings;
    const fetch = await fetchFor(this.settings);
    const options = { [client.customFetch]: fetch, timeout: TIMEOUT_SECONDS };
    const found = await client.discovery(new URL(issuer), clientId, undefined, undefined, options);
    const server = found.serverMetadata();
    const configuration = new client.Configuration(
      server,
      clientId,
      undefined,
      await clientAuth(this.settings, server),
    );
    configuration[client.customFetch] = fetch;
    configuration.timeout = TIMEOUT_SECONDS;
    // Also the signature of a token that came straight from the issuer, by TLS.
    client.enableNonRepudiationChecks(configuration);
    return configuration;
  }
}

async function fetchFor({ issuer, caFile }: OidcConfig): Promise<CustomFetch> {
  const { Agent, EnvHttpProxyAgent, fetch } = await import('undici');
  const tls = caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') };
  const isHere = isLoopbackHost(hostOf(new URL(issuer)));
  const dispatcher = isHere ? new Agent({ connect: tls }) : new EnvHttpProxyAgent({ connect: tls, requestTls: tls });
  return async (url, options) =>
    (await fetch(url, { ...(options as Parameters<typeof fetch>[1]), dispatcher })) as unknown as Response;
}

async function clientAuth(settings: OidcConfig, server: ServerMetadata): Promise<ClientAuth> {
  const { ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt } = await openid();
  if (settings.privateKey !== undefined) {
    const pem = await readSecret(settings.privateKey, 'web.login.privateKey');
    return PrivateKeyJwt(await signingKey(pem));
  }
  if (settings.clientSecret === undefined) return None();
  const secret = await readSecret(settings.clientSecret, 'web.login.clientSecret');
  // The first is what the standard means where an issuer says nothing.
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return methods.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}

const ALGORITHMS: Record<string, webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | { name: string }> = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  prime256v1: { name: 'ECDSA', namedCurve: 'P-256' },
  ed25519: { name: 'Ed25519' },
};

/** @throws DrError InvalidConfiguration that holds nothing of the key */
async function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const key = keyIn(pem);
  const algorithm = ALGORITHMS[key?.asymmetricKeyDetails?.namedCurve ?? key?.asymmetricKeyType ?? ''];
  if (key === null || algorithm === undefined) {
    throw new DrError('InvalidConfiguration', 'web.login.privateKey is no private key that can sign here.', {
      advice: 'Make one with: openssl genpkey -algorithm ed25519, or EC with P-256, or RSA.',
    });
  }
  const bytes = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
}

function keyIn(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
