import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type TestTenant } from "../../testing/harness.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const send = (method: string, path: string, body: unknown) =>
  acme.owner.call<Problem>(path, { method, body });

const good = { email: "ada@acme.test", name: "Ada" };
test.each<[string, unknown, string]>([
  ["no address", { name: good.name }, "email"],
  ["no name", { email: good.email }, "name"],
  ["an address that is none", { ...good, email: "ada" }, "email"],
  ["an address with a line break", { ...good, email: "a@b.test\nbcc:c@d.test" }, "email"],
  ["a lone surrogate in the address", { ...good, email: "\ud800@b.test" }, "email"],
  ["an empty name", { ...good, name: " " }, "name"],
  ["NUL in the name", { ...good, name: "A\u0000da" }, "name"],
  ["half an emoji in the name", { ...good, name: "Ada \ud83d" }, "name"],
  ["an escape sequence in the name", { ...good, name: "\u001b[31mAda" }, "name"],
  ["a line break in the name", { ...good, name: "Ada\nBcc: x" }, "name"],
  ["a name of 300 characters", { ...good, name: "a".repeat(300) }, "name"],
  ["a number for a name", { ...good, name: 7 }, "name"],
  ["null for a name", { ...good, name: null }, "name"],
  ["a script for an image", { ...good, profileImage: "javascript:alert(1)" }, "profileImage"],
  ["a plain-text image", { ...good, profileImage: "http://cdn.test/a.png" }, "profileImage"],
  ["NUL in the image", { ...good, profileImage: "https://cdn.test/\u0000" }, "profileImage"],
  [
    "half an emoji in the image",
    { ...good, profileImage: "https://c.test/\ud83d" },
    "profileImage",
  ],
  ["a role that is none", { ...good, role: "OWNER" }, "role"],
  ["a role in lower case", { ...good, role: "admin" }, "role"],
  ["no account", { ...good, accountIds: [] }, "accountIds"],
  ["a slug for an account", { ...good, accountIds: ["acme"] }, "accountIds.0"],
  ["an id of its own", { ...good, id: "usr_1" }, ""],
  ["a tenant role", { ...good, tenantRole: "owner" }, ""],
  ["a status", { ...good, status: "active" }, ""],
  ["a version", { ...good, version: 7 }, ""],
  ["a list", [good], ""],
  ["a text", '"ada"', ""],
  ["null", "null", ""],
  ["a prototype", '{"email":"ada@acme.test","name":"Ada","__proto__":{"role":"ADMIN"}}', ""],
])("a body that holds %s is refused, and the answer says where", async (_, body, at) => {
  const answer = await send("POST", "/api/v1/users", body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(400);
  expect(answer.body.code).toBe("invalid_request");
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", at]]);
});

test.each<[string, unknown, string]>([
  ["nothing", {}, ""],
  ["null for a name", { name: null }, "name"],
  ["null for an address", { email: null }, "email"],
  ["null for a status", { status: null }, "status"],
  ["the status pending", { status: "pending" }, "status"],
  ["the status deleted", { status: "deleted" }, "status"],
  ["an empty name", { name: "" }, "name"],
  ["NUL in the name", { name: "\u0000" }, "name"],
  ["a script for an image", { profileImage: "javascript:alert(1)" }, "profileImage"],
  ["a tenant role", { name: "A", tenantRole: "owner" }, ""],
  ["a version", { name: "A", version: 1 }, ""],
  ["a deletion", { name: "A", deletedAt: null }, ""],
  ["a role", { name: "A", role: "ADMIN" }, ""],
])("a patch that holds %s is refused, and the answer says where", async (_, body, where) => {
  const answer = await send("PATCH", `/api/v1/users/${acme.owner.userId}`, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", where]]);
});
