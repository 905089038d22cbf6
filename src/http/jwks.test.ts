import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { JWK } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { call } from "../testing/client.ts";
import { createForger, ecdsa, hmac, pss, rsa, type Signer } from "../testing/forgery.ts";
import { stack } from "../testing/harness.ts";
import { faults, newSigningKey, startKeyServer } from "../testing/key-server.ts";
import { startWorker } from "../testing/worker.ts";

const { foreign } = await createForger(stack, () => `test|${randomUUID()}`);
const known = newSigningKey();
const stranger = newSigningKey();

/** A Worker that has just started, with an identity provider of its own. */
async function coldWorker(...published: JWK[]) {
  const server = await startKeyServer(...published);
  onTestFinished(server.stop);
  const settings = { ...stack.settings, JWKS_URI: server.url };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  onTestFinished(worker.stop);

  const send = async (authorization?: string) => {
    const before = Date.now();
    const answer = await call(`${worker.url}/api/v1/tenants`, { headers: { authorization } });
    return { ...answer, ms: Date.now() - before };
  };
  const sign = (headers: object, signer: Signer) => send(`Bearer ${foreign(headers, signer)}`);
  return {
    server,
    lines: worker.lines,
    send,
    sign,
    good: () => sign({ kid: known.kid }, rsa(known.privateKey)),
    unknown: () => sign({ kid: randomUUID() }, rsa(stranger.privateKey)),
  };
}
type Cold = Awaited<ReturnType<typeof coldWorker>>;

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
const statuses = (answers: { status: number }[]) => [...new Set(answers.map((a) => a.status))];

/** The one answer to a token nobody can judge: come back, in time, and never "you are nobody". */
function expectUnavailable({ status, headers, body, ms }: Awaited<ReturnType<Cold["send"]>>) {
  expect(body).toMatchObject({ code: "dependency_unavailable", status: 503 });
  expect(status).toBe(503);
  expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  expect(headers).not.toHaveProperty("www-authenticate");
  expect(ms).toBeLessThan(5000);
}

test("a hundred first requests at once share one look at the keys", async () => {
  const { server, good } = await coldWorker(known.jwk);
  server.reply((response) => {
    setTimeout(() => response.end(JSON.stringify({ keys: [known.jwk] })), 300);
  });
  expect(statuses(await Promise.all(times(100, good)))).toEqual([200]);
  expect(server.hits).toBe(1);
});

test("fifty tokens of keys nobody knows cost the provider one look", async () => {
  const { server, good, unknown } = await coldWorker(known.jwk);
  await good();
  expect(statuses(await Promise.all(times(25, unknown)))).toEqual([401]);
  for (const _ of times(25, () => 0)) expect((await unknown()).status).toBe(401);
  expect(server.hits).toBe(2);
  expect((await good()).status).toBe(200);
});

test("without a token that could be good, the provider is not asked", async () => {
  const { server, send } = await coldWorker(known.jwk);
  const hopeless = [undefined, "Bearer x", "Bearer a.b.c", "Basic dTpw"];
  for (const authorization of hopeless) expect((await send(authorization)).status).toBe(401);
  expect(server.hits).toBe(0);
});

test("known keys outlive the provider, and keys nobody can look up are not called bad", async () => {
  const { server, good, sign, unknown } = await coldWorker(known.jwk);
  expect((await good()).status).toBe(200);
  server.reply(faults.cut);
  expect((await good()).status).toBe(200);
  expectUnavailable(await unknown());
  expect(server.hits).toBe(2);
  expect((await good()).status).toBe(200);

  server.publish(known.jwk, stranger.jwk);
  const rotated = async () => (await sign({ kid: stranger.kid }, rsa(stranger.privateKey))).status;
  await expect.poll(rotated, { timeout: 5000 }).toBe(200);
});

test("a provider that hangs holds nobody longer than five seconds, and is found again after", async () => {
  const { server, good } = await coldWorker(known.jwk);
  server.reply(faults.silent);
  for (const answer of await Promise.all(times(100, good))) expectUnavailable(answer);
  expect(server.hits).toBe(1);
  server.publish(known.jwk);
  await expect.poll(async () => (await good()).status, { timeout: 5000 }).toBe(200);
  expect(server.hits).toBe(2);
});

const { silent: _, endless: __, ...quick } = faults;
test.each(Object.entries(quick))(
  "a cold Worker answers 503 to keys that are %s",
  async (_, how) => {
    const { server, good } = await coldWorker();
    server.reply(how);
    expectUnavailable(await good());
    expect(server.hits).toBe(1);
  },
);

test("a key set that never ends is not read to its end", async () => {
  const { server, good, lines } = await coldWorker();
  server.reply(faults.endless);
  expectUnavailable(await good());
  const causes = () => lines.flatMap((line) => line["causes"]);
  await expect.poll(causes).toContain("Error: JWKS is larger than 262144 bytes");
});

test("a redirect to other keys is not followed", async () => {
  const elsewhere = await startKeyServer(known.jwk);
  onTestFinished(elsewhere.stop);
  const { server, good } = await coldWorker();
  server.reply((response) => void response.writeHead(302, { location: elsewhere.url }).end());
  expectUnavailable(await good());
  expect(elsewhere.hits).toBe(0);
});

test("only strong RSA keys for RS256 signatures count, whatever the set holds", async () => {
  const weak = newSigningKey(1024);
  const padded = Buffer.concat([Buffer.alloc(128), Buffer.from(weak.jwk.n ?? "", "base64url")]);
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = newSigningKey();
  const { good, sign } = await coldWorker(
    known.jwk,
    { ...weak.jwk, kid: "weak" },
    { ...weak.jwk, kid: "padded", n: padded.toString("base64url") },
    { ...(elliptic.publicKey.export({ format: "jwk" }) as JWK), kid: "elliptic" },
    { kty: "oct", k: Buffer.from("shared secret").toString("base64url"), kid: "shared" },
    { ...other.jwk, kid: "encryption", use: "enc" },
    { ...other.jwk, kid: "RS512", alg: "RS512" },
    { ...other.jwk, kid: undefined as unknown as string },
  );
  expect((await good()).status).toBe(200);
  const signers: Record<string, Signer> = {
    weak: rsa(weak.privateKey),
    padded: rsa(weak.privateKey),
    encryption: rsa(other.privateKey),
    RS512: rsa(other.privateKey),
    undefined: rsa(other.privateKey),
  };
  for (const [kid, signer] of Object.entries(signers))
    expect([kid, (await sign({ kid }, signer)).status]).toEqual([kid, 401]);
  const mixed = { kid: "shared", alg: "HS256" };
  expect((await sign(mixed, hmac("shared secret"))).status).toBe(401);
  const curve = { kid: "elliptic", alg: "ES256" };
  expect((await sign(curve, ecdsa(elliptic.privateKey))).status).toBe(401);
});

test("a key that does not say what it is for is good for RS256 and nothing else", async () => {
  const { alg: _, use: __, ...plain } = known.jwk;
  const { good, sign } = await coldWorker(plain);
  const { kid, privateKey } = known;
  expect((await good()).status).toBe(200);
  expect((await sign({ kid, alg: "RS384" }, rsa(privateKey, "sha384"))).status).toBe(401);
  expect((await sign({ kid, alg: "RS512" }, rsa(privateKey, "sha512"))).status).toBe(401);
  expect((await sign({ kid, alg: "PS256" }, pss(privateKey))).status).toBe(401);
});
