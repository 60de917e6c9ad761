// An OpenID issuer in the shape of Microsoft Entra (v2.0), on loopback, over TLS: a real provider with real discovery, keys that change while
// it runs, client credentials, code with PKCE, device flow. It prints `listening on 127.0.0.1:PORT` and serves until SIGTERM.
//
//   PORT, TLS_KEY, TLS_CERT   where and with what certificate; PORT 0: any free one
//   APP_JWK                   public key of the application that signs assertions
//
// POST /control/rotate makes a new key that signs from then on and keeps the old one; /control/retire removes all but the newest;
// /control/kids lists them. Whoever asks gets in as the user `caller`, or as the one that login_hint names.
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const tid = '11111111-1111-4111-8111-111111111111';
const api = '22222222-2222-4222-8222-222222222222';
const otherApi = '22222222-0000-4000-8000-000000000000';
const app = '33333333-3333-4333-8333-333333333333';          // shared secret
const shortLived = '33333333-0000-4000-8000-000000000001';   // the same, its tokens live a second
const signer = '66666666-6666-4666-8666-666666666666';       // private_key_jwt
const cli = '44444444-4444-4444-8444-444444444444';          // public: PKCE, device
const secret = 'only-for-tests';
const users = {
  caller: { oid: 'aaaaaaaa-0000-4000-8000-000000000001', name: 'Caller', preferred_username: 'caller@contoso.example', roles: ['Wye.Caller'],
    groups: ['bbbbbbbb-0000-4000-8000-000000000001'] },
  visitor: { oid: 'aaaaaaaa-0000-4000-8000-000000000002', name: 'Visitor', preferred_username: 'visitor@contoso.example' },
};
const applications = { [app]: { oid: '55555555-5555-4555-8555-555555555555', roles: ['Wye.Caller'] },
  [shortLived]: { oid: '55555555-5555-4555-8555-555555555556', roles: ['Wye.Caller'] },
  [signer]: { oid: '55555555-5555-4555-8555-555555555557', roles: ['Wye.Caller'] } };

const newKey = () => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: randomBytes(9).toString('base64url'), use: 'sig', alg: 'RS256' });
const scopesOf = (id) => `api://${id}/.default api://${id}/access_as_user`;
const asked = (ctx) => String(ctx.oidc.params?.scope ?? '');

function makeProvider(base, keys) {
  const program = (client_id, more) => ({ client_id, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...more });
  const withSecret = { client_secret: secret, token_endpoint_auth_method: 'client_secret_post' };
  return new Provider(`${base}/${tid}/v2.0`, {
    jwks: { keys },
    cookies: { keys: [secret] },
    clients: [
      program(app, withSecret),
      program(shortLived, withSecret),
      ...(process.env.APP_JWK ? [program(signer, { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'RS256',
        jwks: { keys: [JSON.parse(process.env.APP_JWK)] } })] : []),
      { client_id: cli, token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub', 'oid', 'tid', 'roles'], profile: ['name', 'preferred_username'] },
    findAccount: (ctx, id) => users[id] && { accountId: id, claims: async () => ({ sub: id, tid, ...users[id] }) },
    routes: { authorization: '/oauth2/v2.0/authorize', token: '/oauth2/v2.0/token', jwks: '/discovery/v2.0/keys',
      device_authorization: '/oauth2/v2.0/devicecode', code_verification: '/oauth2/deviceauth' },
    ttl: { ClientCredentials: (ctx, token, client) => (client.clientId === shortLived ? 1 : 3600), AccessToken: 3600, IdToken: 3600,
      RefreshToken: 86400, Grant: 86400, Interaction: 600, Session: 86400, DeviceCode: 600 },
    issueRefreshToken: async (ctx, client, code) => code.scopes.has('offline_access'),
    interactions: { url: (ctx, interaction) => `/${tid}/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      resourceIndicators: {  // Entra's clients name the API in the scope, not in `resource`
        enabled: true,
        defaultResource: (ctx) => `api://${asked(ctx).includes(otherApi) ? otherApi : api}`,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => {
          const id = resource.slice('api://'.length);
          return { scope: scopesOf(id), audience: id, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
        },
      },
    },
    extraTokenClaims: (ctx, token) => {
      const user = users[token.accountId];
      const self = applications[token.clientId];
      const who = user ?? { oid: self?.oid, sub: self?.oid, roles: self?.roles, idtyp: 'app' };
      const proof = user ? '0' : token.clientId === signer ? '2' : '1';
      return { tid, ver: '2.0', azp: token.clientId, azpacr: proof, uti: randomUUID(), ...who };
    },
    formats: { customizers: { jwt: (ctx, token, jwt) => {  // names of OAuth become Entra's
      const claims = jwt.payload;
      const granted = (claims.scope ?? '').split(' ').filter((s) => s.startsWith('api://'));
      if (users[token.accountId]) claims.scp = granted.map((s) => s.split('/').pop()).join(' ');
      else claims.sub = claims.oid;
      delete claims.scope;
      delete claims.client_id;
      claims.nbf = claims.iat;
      jwt.header = { typ: 'JWT' };
    } } },
  });
}

let keys = [newKey()];
let provider;
let callback;
let base;
function remake() {
  provider = makeProvider(base, keys);
  provider.on('server_error', (ctx, error) => console.error(error));
  callback = provider.callback();
}

async function interact(req, res) {
  const details = await provider.interactionDetails(req, res);
  const { client_id, login_hint = 'caller' } = details.params;
  if (details.prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: login_hint } });
  const accountId = details.session.accountId;
  const grant = details.grantId ? await provider.Grant.find(details.grantId) : new provider.Grant({ accountId, clientId: client_id });
  grant.addOIDCScope('openid profile offline_access');
  for (const id of [api, otherApi]) grant.addResourceScope(`api://${id}`, scopesOf(id));
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

function control(req, res) {
  if (req.url === '/control/rotate') keys = [newKey(), ...keys];
  else if (req.url === '/control/retire') keys = keys.slice(0, 1);
  else if (req.url !== '/control/kids') return res.writeHead(404).end();
  if (req.url !== '/control/kids') remake();
  return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys.map((key) => key.kid)));
}

async function handle(req, res) {
  if (req.url.startsWith('/control/')) return control(req, res);
  if (req.url.startsWith(`/${tid}/interaction/`)) return interact(req, res);
  // The provider knows one prefix; Entra has the metadata below /v2.0 and everything else beside it.
  req.originalUrl = req.url.replace(`/${tid}/v2.0/.well-known`, `/${tid}/.well-known`);
  req.url = req.originalUrl.replace(`/${tid}`, '');
  return callback(req, res);
}

const server = https.createServer({ key: readFileSync(process.env.TLS_KEY), cert: readFileSync(process.env.TLS_CERT) },
  (req, res) => handle(req, res).catch?.((error) => { console.error(error); res.writeHead(500).end(); }));
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  base = `https://127.0.0.1:${server.address().port}`;
  remake();
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => { server.closeAllConnections(); server.close(() => process.exit(0)); });
