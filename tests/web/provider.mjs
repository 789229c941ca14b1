// A real provider of OpenID Connect for tests (npm oidc-provider), on loopback: three people, one client per way of signing.
// Started by real_provider.py with the folder that npm installed into; says "ready PORT" and lives until its input closes.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const [folder, back, local] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("oidc-provider")).href);

const jwk = (kind, options, alg) => {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg };
};
const keys = [
  jwk("rsa", { modulusLength: 2048 }, "RS256"),
  jwk("ec", { namedCurve: "P-256" }, "ES256"),
  jwk("ed25519", {}, "Ed25519"),
];

const PEOPLE = {
  anna: { email: "anna@corp.test", email_verified: true },
  Anna: { email: "Anna@Corp.Test", email_verified: true },
  unverified: { email: "anna@corp.test", email_verified: false },
  silent: { email: "anna@corp.test" },
  alias: { email: "info@corp.test", email_verified: true },
  stranger: { email: "stranger@else.test", email_verified: true },
  nobody: {},
};

const client = (client_id, more) => ({
  client_id, client_secret: "sesame, 100% & more", redirect_uris: [back], response_types: ["code"],
  grant_types: ["authorization_code"], id_token_signed_response_alg: "RS256", ...more,
});

const server = createServer().listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      client("rs"),
      client("es", { id_token_signed_response_alg: "ES256" }),
      client("ed", { id_token_signed_response_alg: "Ed25519" }),
      client("post", { token_endpoint_auth_method: "client_secret_post" }),
      client("none", { token_endpoint_auth_method: "none", client_secret: undefined }),
      client("local", { application_type: "native", redirect_uris: [local] }),
      client("other", { redirect_uris: ["https://other.corp.test/back"] }),
    ],
    jwks: { keys },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "Ed25519"] },
    claims: { email: ["email", "email_verified"], openid: ["sub"] },
    // Where false, the claims stand in the id token; otherwise only userinfo has them.
    conformIdTokenClaims: process.env.IN_TOKEN !== "1",
    pkce: { required: () => true },
    cookies: { keys: ["for a test"] },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
  });
  server.on("request", provider.callback());
  console.log(`ready ${port}`);
});
process.stdin.on("end", () => process.exit(0)).resume();
