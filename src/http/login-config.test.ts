import { expect, onTestFinished, test } from "vitest";
import { call } from "../testing/client.ts";
import { settings, stack } from "../testing/harness.ts";
import { faults, startKeyServer } from "../testing/key-server.ts";
import { judged, unavailable } from "../testing/outage.ts";
import { startWorker } from "../testing/worker.ts";

const path = "/api/v1/auth/config";
const { issuer, audience, jwksUri } = settings.identityProvider;
const origin = "http://localhost:3000";

async function workerWith(changed: Record<string, string | undefined>) {
  const variables = Object.entries({ ...stack.settings, ...changed }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const worker = await startWorker({
    bundle: stack.bundle,
    settings: Object.fromEntries(variables),
  });
  onTestFinished(worker.stop);
  return worker.url;
}

test("an app learns all it needs for its own login, and that from its own origin", async () => {
  const answer = await call(`${stack.apiUrl}${path}`, { headers: { origin } });
  expect(answer.status).toBe(200);
  expect(answer.headers["access-control-allow-origin"]).toBe(origin);
  expect(answer.body).toEqual({
    issuer,
    audience,
    clientId: "tenantry-spa",
    scopes: ["openid", "profile", "email"],
    endpoints: {
      authorization: `${issuer}/auth`,
      token: `${issuer}/token`,
      userinfo: `${issuer}/me`,
      endSession: `${issuer}/session/end`,
      jwks: jwksUri,
    },
    codeChallengeMethod: "S256",
    tenantHeader: "X-Tenant-ID",
    tenantResolver: "composite",
    features: { login: true, identityManagement: false, mail: true },
  });
});

test("a deployment says how it is set up, and nothing of what opens the provider", async () => {
  const url = await workerWith({
    IDP_CLIENT_ID: undefined,
    IDP_SCOPES: "openid  offline_access",
    TENANT_HEADER_NAME: "X-Customer",
    DEFAULT_TENANT_RESOLVER: "header",
    AUTH0_MANAGEMENT_URL: "https://tenantry.eu.auth0.test",
    AUTH0_MANAGEMENT_CLIENT_ID: "machine-client",
    AUTH0_MANAGEMENT_CLIENT_SECRET: "machine-secret",
  });
  const { body } = await call(`${url}${path}`);
  expect(body).toMatchObject({
    clientId: null,
    scopes: ["openid", "offline_access"],
    tenantHeader: "X-Customer",
    tenantResolver: "header",
    features: { login: false, identityManagement: true, mail: false },
  });
  for (const word of ["machine", "auth0.test"]) expect(JSON.stringify(body)).not.toContain(word);
});

test("what the provider does not have is null", async () => {
  const server = await startKeyServer();
  onTestFinished(server.stop);
  const own = new URL(server.url).origin;
  const metadata = {
    issuer: `${own}/`,
    authorization_endpoint: `${own}/authorize`,
    token_endpoint: `${own}/oauth/token`,
    jwks_uri: server.url,
  };
  server.reply((response) => void response.end(JSON.stringify(metadata)));
  const url = await workerWith({ IDP_ISSUER: `${own}/` });
  expect((await call(`${url}${path}`)).body).toMatchObject({
    endpoints: {
      authorization: metadata.authorization_endpoint,
      token: metadata.token_endpoint,
      userinfo: null,
      endSession: null,
      jwks: metadata.jwks_uri,
    },
  });

  server.reply(faults.cut);
  expect((await call(`${url}${path}`)).status).toBe(200);
  expect(server.hits).toBe(1);
});

test.each(Object.entries(faults))(
  "a cold Worker answers 503 to metadata that are %s, and asks once for all",
  async (_, how) => {
    const server = await startKeyServer();
    onTestFinished(server.stop);
    server.reply(how);
    const url = await workerWith({ IDP_ISSUER: new URL(server.url).origin });
    const answers = Array.from({ length: 20 }, () => judged(call(`${url}${path}`)));
    for (const answer of await Promise.all(answers)) expect(answer).toEqual(unavailable);
    expect(server.hits).toBe(1);
  },
);

test("metadata of another issuer are nobody's", async () => {
  const server = await startKeyServer();
  onTestFinished(server.stop);
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).text();
  server.reply((response) => void response.end(metadata));
  const url = await workerWith({ IDP_ISSUER: new URL(server.url).origin });
  expect(await judged(call(`${url}${path}`))).toEqual(unavailable);
});
