import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { Secret } from "../core/secret.ts";
import { databaseNameOf } from "../platform/platform.ts";
import { sealToken } from "../registry/tenants/token-vault.ts";
import { registry, settings, stack, type TestTenant } from "./harness.ts";
import { execute } from "./raw-sql.ts";

const dayMs = 86_400_000;
const pem = (key: ReturnType<typeof createPublicKey>) =>
  String(key.export({ type: "spki", format: "pem" }));

/** Which keys sqld takes tokens of for this one database; without any, the server's own. */
async function admit(name: string, jwtKey: string | null): Promise<void> {
  const { SQLD_ADMIN_URL: url, SQLD_ADMIN_KEY: key } = stack.settings;
  const { status } = await fetch(`${url}/v1/namespaces/${name}/config`, {
    method: "POST",
    headers: { authorization: `Basic ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ block_reads: false, block_writes: false, jwt_key: jwtKey }),
  });
  if (status !== 200) throw new Error(`sqld did not take the key: ${status}`);
}

/**
 * Gives the tenant a token sqld can be made to refuse, which it cannot with those it signs itself: one
 * of a key that only this database takes, beside the server's, until `end` is called.
 */
export async function useEndableToken({ id }: Pick<TestTenant, "id">) {
  const name = databaseNameOf(id);
  const { SQLD_JWT_KEY } = stack.settings;
  const server = createPublicKey(
    createPrivateKey({
      key: Buffer.from(String(SQLD_JWT_KEY), "base64"),
      format: "der",
      type: "pkcs8",
    }),
  );
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const token = await new SignJWT({ p: { rw: { ns: [name] } } })
    .setProtectedHeader({ alg: "EdDSA" })
    .setExpirationTime(Math.floor((Date.now() + dayMs) / 1000))
    .sign(privateKey);
  await admit(name, pem(publicKey) + pem(server));
  const sealed = await sealToken(settings.ENCRYPTION_KEY, id, new Secret(token));
  await execute(registry, `update tenants set sealed_token = '${sealed}' where id = '${id}'`);
  return { end: () => admit(name, null) };
}
