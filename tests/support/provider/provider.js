// A standard OpenID provider in Keycloak's layout: `node provider.js [off]` prints its address.
// `off` switches the device flow off for the client.
import http from "node:http";
import Provider from "oidc-provider";

const REALM = "/auth/realms/dash";
const AT = "/protocol/openid-connect";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

const server = http.createServer().listen(0, "127.0.0.1", () => {
  const host = `http://127.0.0.1:${server.address().port}`;
  const client = {
    client_id: "dash",
    token_endpoint_auth_method: "none",
    application_type: "native",
    grant_types: process.argv[2] === "off" ? ["refresh_token"] : ["refresh_token", DEVICE],
    response_types: [],
    redirect_uris: [],
  };
  const provider = new Provider(host + REALM, {
    clients: [client],
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    routes: {
      token: `${AT}/token`,
      device_authorization: `${AT}/auth/device`,
      revocation: `${AT}/revoke`,
      userinfo: `${AT}/userinfo`,
      jwks: `${AT}/certs`,
      code_verification: "/device",
    },
    cookies: { keys: ["test"] },
    issueRefreshToken: () => true,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: `id-of-${id}`, preferred_username: id }),
    }),
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (!request.url.startsWith(REALM)) return response.writeHead(404).end();
    request.originalUrl = request.url;
    request.url = request.url.slice(REALM.length) || "/";
    return answer(request, response);
  });
  console.log(host);
});
// The test that started it ends it by closing its standard input, however the test ends.
process.stdin.on("end", () => process.exit()).resume();
