import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { call } from "../testing/client.ts";
import { settings, stack } from "../testing/harness.ts";
import { startKeyServer } from "../testing/key-server.ts";
import { asked, hintsOf, login, loginPath } from "../testing/login.ts";
import { judged, unavailable } from "../testing/outage.ts";
import { signInAsApp } from "../testing/sign-in.ts";
import { startWorker } from "../testing/worker.ts";
import type { Problem } from "./problem.ts";

const { issuer, audience } = settings.identityProvider;

test("a login leads to the provider, with what it takes and nothing else", async () => {
  const { status, headers, body } = await login({});
  expect([status, body]).toEqual([302, ""]);
  expect(headers["location"]).toBe(
    `${issuer}/auth?client_id=tenantry-spa&response_type=code&audience=${encodeURIComponent(audience)}` +
      "&scope=openid+profile+email&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback" +
      `&state=state+of+the+app&code_challenge=${asked["code_challenge"]}&code_challenge_method=S256`,
  );
  expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  expect(headers).not.toHaveProperty("set-cookie");
  expect(headers).not.toHaveProperty("content-type");
});

test("what the app asks of the provider is passed on as it is", async () => {
  const hints = {
    nonce: "n-0S6_WzA2Mj",
    prompt: "select_account",
    login_hint: "ada+test@acme.test",
    screen_hint: "signup",
  };
  const answer = await login({ ...hints, code_challenge_method: "S256", scope: "openid a:b" });
  expect(hintsOf(answer)).toEqual(hints);
  expect(new URL(answer.headers["location"] ?? "").searchParams.get("scope")).toBe("openid a:b");
});

test("a person logs in as an app has them do, and is let in", async () => {
  const email = `${randomUUID()}@people.test`;
  const { accessToken } = await signInAsApp(stack.apiUrl, email);
  const headers = { authorization: `Bearer ${accessToken}` };
  const me = await call(`${stack.apiUrl}/api/v1/auth/me`, { headers });
  expect(me).toMatchObject({ status: 200, body: { issuer, email, tenants: [] } });
  const again = await signInAsApp(stack.apiUrl, email);
  const sessions = [accessToken, again.accessToken].map((token) => decodeJwt(token)["sid"]);
  expect(sessions).toEqual([expect.any(String), expect.any(String)]);
  expect(new Set(sessions).size).toBe(2);
});

const malformed: [string, Record<string, string>][] = [
  ["redirect_uri", { redirect_uri: "" }],
  ["state", { state: "short" }],
  ["state", { state: "x".repeat(501) }],
  ["state", { state: "line\nbreak" }],
  ["state", { state: "naïve state" }],
  ["code_challenge", { code_challenge: "x".repeat(42) }],
  ["code_challenge", { code_challenge: "x".repeat(129) }],
  ["code_challenge", { code_challenge: `${"x".repeat(43)}=` }],
  ["code_challenge_method", { code_challenge_method: "plain" }],
  ["nonce", { nonce: "\u0000" }],
  ["scope", { scope: "profile email" }],
  ["scope", { scope: "openid  email" }],
  ["scope", { scope: "openidx" }],
  ["scope", { scope: 'openid "' }],
  ["prompt", { prompt: "create" }],
  ["login_hint", { login_hint: "a".repeat(255) }],
  ["screen_hint", { screen_hint: "reset" }],
  ["tenant", { tenant: "a".repeat(101) }],
];
test.each(malformed)("a login with a wrong %s leads nowhere: %o", async (name, query) => {
  const { status, headers, body } = await login<Problem>(query);
  expect([status, body.code]).toEqual([400, "invalid_request"]);
  expect(body.errors?.map((error) => [error.in, error.path])).toContainEqual(["query", name]);
  expect(headers).not.toHaveProperty("location");
});

test.each(Object.keys(asked))("a login without or with two %s leads nowhere", async (name) => {
  const { [name]: value = "", ...rest } = asked;
  for (const query of [
    loginPath(rest),
    `${loginPath(asked)}&${new URLSearchParams({ [name]: value })}`,
  ]) {
    const { status, headers, body } = await call<Problem>(`${stack.apiUrl}${query}`);
    expect([status, body.code, body.errors?.[0]?.path]).toEqual([400, "invalid_request", name]);
    expect(headers).not.toHaveProperty("location");
  }
});

test("known metadata outlive the provider; without any, a login waits for it to come back", async () => {
  const server = await startKeyServer();
  onTestFinished(server.stop);
  const own = new URL(server.url).origin;
  const worker = await startWorker({
    bundle: stack.bundle,
    settings: { ...stack.settings, IDP_ISSUER: own },
  });
  onTestFinished(worker.stop);
  expect(await judged(login({}, worker.url))).toEqual(unavailable);

  const metadata = {
    issuer: own,
    authorization_endpoint: `${own}/authorize?policy=a%20b&scope=mine`,
    token_endpoint: `${own}/token`,
    jwks_uri: server.url,
  };
  server.reply((response) => void response.end(JSON.stringify(metadata)));
  const status = async () => (await login({}, worker.url)).status;
  await expect.poll(status, { timeout: 5000 }).toBe(302);
  server.stop();
  const answer = await login({}, worker.url);
  expect(hintsOf(answer)).toEqual({ policy: "a b" });
  expect(answer.headers["location"]).toContain(`${own}/authorize?`);
});

test("without a client there is no login, and a caller learns so", async () => {
  const { IDP_CLIENT_ID: _, ...others } = stack.settings;
  const worker = await startWorker({ bundle: stack.bundle, settings: others });
  onTestFinished(worker.stop);
  const { status, headers, body } = await login<Problem>({}, worker.url);
  expect([status, body.code]).toEqual([404, "not_found"]);
  expect(body.detail).toBe("This deployment names no client to log in with");
  expect(headers).not.toHaveProperty("location");
});
