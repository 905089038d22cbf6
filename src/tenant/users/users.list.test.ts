import { beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type TestTenant } from "../../testing/harness.ts";
import { placeUsers } from "../../testing/rows.ts";
import type { UserPage } from "./users.schema.ts";

type Page = z.infer<typeof UserPage>;

async function list({ call }: Pick<Member, "call">, query: Record<string, string> = {}) {
  const { status, body } = await call<Page>(`/api/v1/users?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}
const namesIn = ({ data }: Page) => data.map(({ name }) => name);

test("a list shows the living users of the tenant, each field as stored, newest first", async () => {
  const acme = await newTenant();
  const at = Date.UTC(2031, 0, 2, 3, 4, 5, 678);
  const [id] = await placeUsers(acme.db, [
    {
      email: "ada@acme.test",
      name: "Ada",
      profileImage: "https://cdn.acme.test/a.png",
      status: "suspended",
      tenantRole: "admin",
      version: 3,
      createdAt: at,
      updatedAt: at + 1,
    },
    { name: "Gone", createdAt: at + 2, updatedAt: at + 2, deletedAt: at + 3 },
  ]);
  const page = await list(acme.owner);
  expect(page).toEqual({
    data: [
      {
        id,
        email: "ada@acme.test",
        name: "Ada",
        profileImage: "https://cdn.acme.test/a.png",
        status: "suspended",
        tenantRole: "admin",
        version: 3,
        createdAt: "2031-01-02T03:04:05.678Z",
        updatedAt: "2031-01-02T03:04:05.679Z",
      },
      expect.objectContaining({ id: acme.owner.userId, tenantRole: "owner", status: "active" }),
    ],
    meta: {
      currentPage: 1,
      limit: 50,
      totalItems: 2,
      totalPages: 1,
      hasPreviousPage: false,
      hasNextPage: false,
      nextCursor: null,
    },
  });
});

test("a list sorts by every column it offers, both ways", async () => {
  const acme = await newTenant();
  const base = Date.UTC(2030, 0, 1);
  await placeUsers(acme.db, [
    { name: "B", email: "3@sort.test", createdAt: base + 1, updatedAt: base + 9 },
    { name: "C", email: "1@sort.test", createdAt: base + 2, updatedAt: base + 7 },
    { name: "A", email: "2@sort.test", createdAt: base + 3, updatedAt: base + 8 },
  ]);
  const orders = {
    createdAt: ["B", "C", "A"],
    updatedAt: ["C", "A", "B"],
    name: ["A", "B", "C"],
    email: ["C", "A", "B"],
  };
  for (const [sortBy, names] of Object.entries(orders)) {
    const search = "@sort.test";
    const up = await list(acme.owner, { sortBy, search, sortOrder: "asc" });
    const down = await list(acme.owner, { sortBy, search, sortOrder: "desc" });
    expect(namesIn(up), `${sortBy} asc`).toEqual(names);
    expect(namesIn(down), `${sortBy} desc`).toEqual([...names].reverse());
  }
});

test("a search finds its text anywhere in a name or address, and every character means itself", async () => {
  const acme = await newTenant();
  const names = ["100% Ada", "100 Ada", "a_b", "aXb", "back\\slash", "Zoë 漢字 😀", "O'Hara", "é"];
  await placeUsers(acme.db, [
    ...names.map((name, i) => ({ name, email: `${i}@find.test` })),
    { name: "Deleted Ada", deletedAt: 1 },
    { name: "By address", email: "hidden_ada@find.test" },
  ]);
  const found = async (search: string) => namesIn(await list(acme.owner, { search })).sort();
  expect(await found("0%")).toEqual(["100% Ada"]);
  expect(await found("%")).toEqual(["100% Ada"]);
  expect(await found("a_b")).toEqual(["a_b"]);
  expect(await found("\\")).toEqual(["back\\slash"]);
  expect(await found("\\%")).toEqual([]);
  expect(await found("'")).toEqual(["O'Hara"]);
  expect(await found("漢字")).toEqual(["Zoë 漢字 😀"]);
  expect(await found("😀")).toEqual(["Zoë 漢字 😀"]);
  expect(await found("e\u0301")).toEqual(["é"]);
  expect(await found("ADA")).toEqual(["100 Ada", "100% Ada", "By address"]);
  expect(await found("  ada ")).toEqual(["100 Ada", "100% Ada", "By address"]);
  expect(await found("' or 1=1 --")).toEqual([]);
});

test("a list holds the users of one status, together with a search, and counts only them", async () => {
  const acme = await newTenant();
  await placeUsers(acme.db, [
    { name: "Ada", status: "pending" },
    { name: "Adam", status: "suspended" },
    { name: "Eve", status: "suspended" },
    { name: "Deleted", status: "suspended", deletedAt: 1 },
  ]);
  const suspended = await list(acme.owner, { status: "suspended", sortBy: "name" });
  expect(namesIn(suspended)).toEqual(["Eve", "Adam"]);
  expect(suspended.meta.totalItems).toBe(2);
  expect(namesIn(await list(acme.owner, { status: "suspended", search: "ada" }))).toEqual(["Adam"]);
  expect((await list(acme.owner, { status: "active" })).data.map(({ id }) => id)).toEqual([
    acme.owner.userId,
  ]);
});

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

test.each([
  ["page", "0"],
  ["page", "-1"],
  ["page", "1.5"],
  ["page", "1000001"],
  ["page", ""],
  ["limit", "0"],
  ["limit", "101"],
  ["limit", "0x10"],
  ["limit", "1e1"],
  ["limit", " 5"],
  ["sortBy", "passwordHash"],
  ["sortBy", "created_at"],
  ["sortOrder", "up"],
  ["status", "deleted"],
  ["search", ""],
  ["search", "a\u0000b"],
  ["search", "a".repeat(101)],
  ["cursor", "garbage"],
])("the query %s=%j is refused, and the answer names it", async (name, value) => {
  const { status, body } = await acme.owner.call<Problem>(
    `/api/v1/users?${new URLSearchParams({ [name]: value })}`,
  );
  expect(status).toBe(400);
  expect(body.code).toBe("invalid_request");
  expect(body.errors).toEqual([{ in: "query", path: name, message: expect.any(String) as string }]);
});

test("a query with several faults is told all of them", async () => {
  const { status, body } = await acme.owner.call<Problem>(
    "/api/v1/users?page=0&limit=0x10&sortBy=x",
  );
  expect(status).toBe(400);
  expect(body.errors?.map(({ path }) => path)).toEqual(["page", "limit", "sortBy"]);
});
