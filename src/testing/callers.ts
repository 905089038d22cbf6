import { bearerHint, newSecretBytes, readBearer, writeBearer } from "../core/bearer-secret.ts";
import { newId } from "../core/id.ts";
import { createSigners, type Signer } from "../core/mac.ts";
import { type Permission, permissions } from "../core/permissions.ts";
import { batch } from "../db/batch.ts";
import { apiKeys } from "../tenant/api-keys/api-keys.table.ts";
import { accessGrants } from "../tenant/grants/grants.table.ts";
import { type Member, type Person, settings, type TestTenant } from "./harness.ts";
import { newPlatformAdmin } from "./house.ts";

type Made = { accountId?: string | null; scopes?: readonly Permission[] };

/**
 * An API key of this member's, by the back door: of every scope and for the whole tenant unless said
 * otherwise. It is called like its owner; the key takes the place of all they name.
 */
export async function placeKey(
  { id: tenantId, db }: TestTenant,
  owner: Member,
  { accountId = null, scopes = permissions }: Made = {},
): Promise<Member> {
  const signers = await createSigners(settings.SECRET_KEY)("bearer");
  const text = await writeBearer("key", tenantId, newSecretBytes(), signers[0] as Signer);
  const { hash = "" } = (await readBearer("key", text, signers)) ?? {};
  await batch(db, "write", [
    db.insert(apiKeys).values({
      id: newId("key"),
      name: "Key",
      hint: bearerHint(text),
      hash,
      scopes: [...scopes],
      ownerId: owner.userId,
      accountId,
      createdAt: Date.now(),
    }),
  ]);
  const named = {
    authorization: `Bearer ${text}`,
    "x-tenant-id": undefined,
    "account-id": undefined,
  };
  return {
    ...owner,
    call: (path, options = {}) =>
      owner.call(path, { ...options, headers: { ...named, ...options.headers } }),
  };
}

/** A platform admin who is let into this tenant by a grant. */
export async function placeOperator(
  { slug, db }: TestTenant,
  mode: "read" | "write" = "write",
): Promise<Person> {
  const person = await newPlatformAdmin();
  const { issuer } = settings.identityProvider;
  const now = Date.now();
  await batch(db, "write", [
    db.insert(accessGrants).values({
      id: newId("grant"),
      issuer,
      subject: person.subject,
      reason: "A test",
      mode,
      createdAt: now,
      expiresAt: now + 3_600_000,
    }),
  ]);
  return {
    ...person,
    call: (path, options = {}) =>
      person.call(path, { ...options, headers: { "x-tenant-id": slug, ...options.headers } }),
  };
}
