import { expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { newTenant } from "../../testing/harness.ts";
import { placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import type { User } from "./users.schema.ts";

test("a user is shown with the living accounts they are in, by name, and the role in each", async () => {
  const acme = await newTenant();
  const { userId } = await acme.member({ accountRole: "EDITOR" });
  const [zoo, aviary, closed] = [
    await placeAccount(acme.db, "Zoo"),
    await placeAccount(acme.db, "Aviary"),
    await placeAccount(acme.db, "Closed", { deletedAt: 1 }),
  ];
  await placeInAccount(acme.db, zoo, userId, "BILLING");
  await placeInAccount(acme.db, aviary, userId, "ADMIN");
  await placeInAccount(acme.db, closed, userId, "ADMIN");
  const { status, headers, body } = await acme.owner.call<User>(`/api/v1/users/${userId}`);
  expect(status).toBe(200);
  expect(headers["etag"]).toBe(`"${acme.id}.1"`);
  expect(body.accounts).toEqual([
    { accountId: aviary, name: "Aviary", role: "ADMIN" },
    { accountId: acme.accountId, name: `Tenant ${acme.slug}`, role: "EDITOR" },
    { accountId: zoo, name: "Zoo", role: "BILLING" },
  ]);
  expect(body).toMatchObject({ id: userId, createdBy: null, updatedBy: null });
});

test("a deleted user, another tenant's user and an id of nobody are the same 404", async () => {
  const [acme, globex] = await Promise.all([newTenant(), newTenant()]);
  const [deleted = ""] = await placeUsers(acme.db, [{ deletedAt: 1 }]);
  const nobody = "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
  const bodies = await Promise.all(
    [deleted, globex.owner.userId, nobody].map(async (id) => {
      const { status, body } = await acme.owner.call<Problem>(`/api/v1/users/${id}`);
      expect(status).toBe(404);
      return { ...body, instance: "", requestId: "" };
    }),
  );
  expect(bodies[0]).toMatchObject({ code: "not_found", detail: "No such user" });
  expect(bodies).toEqual([bodies[0], bodies[0], bodies[0]]);
});

test("two tenants hold rows with one id, and each sees only its own", async () => {
  const [acme, globex] = await Promise.all([newTenant(), newTenant()]);
  const [id = ""] = await placeUsers(acme.db, [{ name: "Of acme" }]);
  await placeUsers(globex.db, [{ id, name: "Of globex" }]);
  const nameFor = async ({ owner }: typeof acme) =>
    (await owner.call<User>(`/api/v1/users/${id}`)).body.name;
  expect(await Promise.all([acme, globex].map(nameFor))).toEqual(["Of acme", "Of globex"]);
});
