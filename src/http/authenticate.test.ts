import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { call } from "../testing/client.ts";
import { flawedTokens } from "../testing/flawed-tokens.ts";
import { createForger, rsa } from "../testing/forgery.ts";
import { newTenant, settings, stack, type TestTenant } from "../testing/harness.ts";
import { newSigningKey, startKeyServer } from "../testing/key-server.ts";
import { signInAsApp } from "../testing/sign-in.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

const { audience } = settings.identityProvider;
const path = "/api/v1/tenant";
const bare = {
  detail: "Send an Authorization: Bearer header",
  challenge: 'Bearer realm="tenantry"',
};
const invalid = {
  detail: "The token is not acceptable",
  challenge: 'Bearer realm="tenantry", error="invalid_token"',
};

let worker: RunningWorker;
let tenant: TestTenant;
beforeAll(async () => {
  worker = await startWorker({ bundle: stack.bundle, settings: stack.settings });
  tenant = await newTenant(worker.url);
});
afterAll(() => worker.stop());
const forger = await createForger(stack, () => tenant.owner.subject);
const { genuine, foreign } = forger;

const ask = (authorization: string | undefined, url = `${worker.url}${path}`) => {
  const headers = { authorization, "x-tenant-id": tenant.slug, "x-request-id": randomUUID() };
  return call(url, { headers });
};

/** The whole answer, that the request got no further than the token, and that nobody wrote it down. */
async function expectRefused(
  authorization: string | undefined,
  { detail, challenge }: typeof invalid,
) {
  const { status, headers, body } = await ask(authorization);
  const requestId = headers["x-request-id"];
  expect(body).toEqual({
    type: "https://tenantry.dev/problems/unauthenticated",
    title: "Credentials are missing or invalid",
    status: 401,
    detail,
    instance: path,
    code: "unauthenticated",
    requestId,
    statusCode: 401,
    message: detail,
    error: "Credentials are missing or invalid",
  });
  expect(status).toBe(401);
  expect(headers).toMatchObject({
    "www-authenticate": challenge,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  const ourLine = () => worker.lines.find((line) => line["requestId"] === requestId);
  await expect.poll(ourLine).toMatchObject({ status: 401, trips: 0, code: "unauthenticated" });
  expect(ourLine()).not.toHaveProperty("subject");
  const token = authorization?.split(" ").at(-1) ?? "";
  if (token.length > 20) expect(JSON.stringify(worker.lines)).not.toContain(token);
}

const sound: Record<string, () => string> = {
  "with one of several audiences": () => genuine({ aud: ["https://other.test", audience] }),
  "typed as plain JWT": () => genuine({}, { typ: "JWT" }),
  "typed by its full media type": () => genuine({}, { typ: "application/at+jwt" }),
  "without a type": () => genuine({}, { typ: undefined }),
  "of 7 KB": () => genuine({ note: "x".repeat(5000) }),
};
test.each(Object.entries(sound))("a genuine token %s is accepted", async (_, make) => {
  expect((await ask(`Bearer ${make()}`)).status).toBe(200);
});

const flawed = flawedTokens(forger, settings.identityProvider);
test.each(Object.entries(flawed))("a token %s is refused like any other", async (_, make) => {
  await expectRefused(`Bearer ${make()}`, invalid);
});

test("the ID token of a sign-in opens nothing, its access token does", async () => {
  const { idToken, accessToken } = await signInAsApp(worker.url, `${randomUUID()}@people.test`);
  await expectRefused(`Bearer ${idToken}`, invalid);
  const mine = await ask(`Bearer ${accessToken}`, `${worker.url}/api/v1/tenants`);
  expect(mine.status).toBe(200);
});

test("an address inside a token is never called", async () => {
  const attacker = newSigningKey();
  const server = await startKeyServer(attacker.jwk);
  onTestFinished(server.stop);
  const { kid } = attacker;
  const stranger = rsa(attacker.privateKey);
  for (const pointer of [{ jku: server.url }, { x5u: server.url }]) {
    await expectRefused(`Bearer ${foreign({ kid, ...pointer }, stranger)}`, invalid);
    await expectRefused(`Bearer ${foreign(pointer, stranger)}`, invalid);
    await expectRefused(`Bearer ${genuine({}, pointer)}`, invalid);
  }
  expect(server.hits).toBe(0);
});

test.each(["Bearer", "bearer", "BEARER", "Bearer "])("the scheme may be %j", async (scheme) => {
  expect((await ask(`${scheme} ${genuine({})}`)).status).toBe(200);
});

const around: Record<string, (token: string) => string> = {
  "a word behind it": (token) => `Bearer ${token} more`,
  "a comma behind it": (token) => `Bearer ${token},`,
  "a second credential": (token) => `Bearer ${token}, Bearer ${token}`,
  quotes: (token) => `Bearer "${token}"`,
  "the scheme twice": (token) => `Bearer Bearer ${token}`,
};
test.each(Object.entries(around))("a good token with %s is refused", async (_, wrap) => {
  await expectRefused(wrap(genuine({})), invalid);
});

const absent: Record<string, (token: string) => string | undefined> = {
  "no header": () => undefined,
  "an empty header": () => "",
  "the scheme alone": () => "Bearer",
  "the Basic scheme": (token) => `Basic ${Buffer.from(`user:${token}`).toString("base64")}`,
  "the token without a scheme": (token) => token,
};
test.each(Object.entries(absent))("%s gets the bare challenge", async (_, credentials) => {
  await expectRefused(credentials(genuine({})), bare);
});

test("a token in the address is neither looked at nor logged", async () => {
  const token = genuine({});
  const { status, headers } = await ask(undefined, `${worker.url}${path}?access_token=${token}`);
  expect(status).toBe(401);
  expect(headers["www-authenticate"]).toBe(bare.challenge);
  const logged = () => worker.lines.map((line) => line["requestId"]);
  await expect.poll(logged).toContain(headers["x-request-id"]);
  expect(JSON.stringify(worker.lines)).not.toContain(token);
});

test("a rotated key is accepted at once, and a withdrawn one no more", async () => {
  const [first, second] = [newSigningKey(), newSigningKey()];
  const server = await startKeyServer(first.jwk);
  onTestFinished(server.stop);
  const changed = { ...stack.settings, JWKS_URI: server.url };
  const rotating = await startWorker({ bundle: stack.bundle, settings: changed });
  onTestFinished(rotating.stop);
  const statusWith = async ({ kid, privateKey }: typeof first) =>
    (await ask(`Bearer ${foreign({ kid }, rsa(privateKey))}`, `${rotating.url}${path}`)).status;

  expect(await statusWith(first)).toBe(200);
  server.publish(second.jwk);
  expect(await statusWith(second)).toBe(200);
  expect(await statusWith(first)).toBe(401);
  expect(server.hits).toBe(2);
});
