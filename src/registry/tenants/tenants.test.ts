import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { newPerson, newTenant, type Person, registry, settings } from "../../testing/harness.ts";
import { memberships } from "../memberships/memberships.table.ts";
import type { MyTenant } from "./tenants.schema.ts";
import { tenants } from "./tenants.table.ts";

type Page = { data: MyTenant[]; meta: Record<string, unknown> & { nextCursor: string | null } };
type Row = Partial<typeof tenants.$inferInsert>;

async function list({ call }: Person, query: Record<string, string> = {}): Promise<Page> {
  const { status, body } = await call<Page>(`/api/v1/tenants?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}
const namesIn = ({ data }: Page) => data.map(({ name }) => name);

/** Tenants in the registry alone, with the person in each: a list needs no database. */
async function placeTenants(
  { subject }: Person,
  rows: readonly Row[],
  role: "owner" | "admin" | "member" = "member",
): Promise<void> {
  const { issuer } = settings.identityProvider;
  const now = Date.now();
  const values = rows.map((row, i) => ({
    id: newId("tenant", now + i),
    slug: `r-${randomUUID()}`,
    name: "Row",
    status: "active" as const,
    databaseName: randomUUID(),
    createdAt: now + i,
    updatedAt: now + i,
    ...row,
  }));
  const seats = values.map(({ id: tenantId }) => ({
    issuer,
    subject,
    tenantId,
    role,
    status: "active" as const,
    createdAt: now,
  }));
  await batch(registry, "write", [
    registry.insert(tenants).values(values),
    registry.insert(memberships).values(seats),
  ] as const);
}

test("a person sees the tenants they are in and nobody else's, with what they are in each", async () => {
  const [acme, globex] = await Promise.all([newTenant(), newTenant()]);
  await placeTenants(acme.owner, [{ name: "Guest", plan: "pro", createdAt: 4e12 }], "admin");
  const { data, meta } = await list(acme.owner);
  expect(data).toEqual([
    {
      id: expect.any(String) as string,
      slug: expect.any(String) as string,
      name: "Guest",
      status: "active",
      plan: "pro",
      role: "admin",
      createdAt: "2096-10-02T07:06:40.000Z",
    },
    {
      id: acme.id,
      slug: acme.slug,
      name: `Tenant ${acme.slug}`,
      status: "active",
      plan: "basic",
      role: "owner",
      createdAt: expect.any(String) as string,
    },
  ]);
  expect(meta).toMatchObject({ totalItems: 2, totalPages: 1, nextCursor: null });
  expect((await list(globex.owner)).data.map(({ id }) => id)).toEqual([globex.id]);
  expect(await list(newPerson())).toEqual({
    data: [],
    meta: {
      currentPage: 1,
      limit: 50,
      totalItems: 0,
      totalPages: 0,
      hasPreviousPage: false,
      hasNextPage: false,
      nextCursor: null,
    },
  });
});

test("tenants that are still being set up, gone or given up are not in the list", async () => {
  const person = newPerson();
  await placeTenants(person, [
    { name: "Up" },
    { name: "Suspended", status: "suspended" },
    { name: "To be deleted", status: "deleting" },
    { name: "Unfinished", status: "provisioning" },
    { name: "Deleted", status: "deleted" },
    { name: "Given up", status: "abandoned" },
  ]);
  const page = await list(person);
  expect(namesIn(page).sort()).toEqual(["Suspended", "To be deleted", "Up"]);
  expect(page.meta["totalItems"]).toBe(3);
});

test("the same subject of another issuer is another person", async () => {
  const person = newPerson();
  const [mine] = await Promise.all([list(person), placeTenants(newPerson(), [{}])]);
  const elsewhere = { issuer: "https://elsewhere.test/", subject: person.subject };
  const id = newId("tenant");
  const base = { id, slug: `r-${randomUUID()}`, databaseName: id, createdAt: 1, updatedAt: 1 };
  await batch(registry, "write", [
    registry.insert(tenants).values({ ...base, name: "Foreign", status: "active" }),
    registry
      .insert(memberships)
      .values({ ...elsewhere, tenantId: id, role: "owner", status: "active", createdAt: 1 }),
  ] as const);
  expect(await list(person)).toEqual(mine);
});

test("the list sorts by its two columns, both ways", async () => {
  const person = newPerson();
  await placeTenants(person, [
    { name: "B", createdAt: 1 },
    { name: "C", createdAt: 2 },
    { name: "A", createdAt: 3 },
  ]);
  expect(namesIn(await list(person))).toEqual(["A", "C", "B"]);
  expect(namesIn(await list(person, { sortOrder: "asc" }))).toEqual(["B", "C", "A"]);
  expect(namesIn(await list(person, { sortBy: "name" }))).toEqual(["C", "B", "A"]);
  expect(namesIn(await list(person, { sortBy: "name", sortOrder: "asc" }))).toEqual([
    "A",
    "B",
    "C",
  ]);
});

test("pages and cursors lead past every tenant once, those of one name and moment included", async () => {
  const person = newPerson();
  await placeTenants(
    person,
    Array.from({ length: 7 }, (_, i) => ({ name: i < 5 ? "Same" : `Name ${i}`, createdAt: 1 })),
  );
  const whole = (await list(person, { sortBy: "name" })).data.map(({ id }) => id);
  const pages = await Promise.all(
    ["1", "2", "3", "4"].map((page) => list(person, { sortBy: "name", limit: "3", page })),
  );
  expect(pages.map(({ data }) => data.length)).toEqual([3, 3, 1, 0]);
  expect(pages.flatMap(({ data }) => data.map(({ id }) => id))).toEqual(whole);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { sortBy: "name", limit: "2", ...(cursor && { cursor }) };
    const page: Page = await list(person, query);
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.meta.nextCursor;
    await placeTenants(person, [{ name: "Z" }]);
  }
  expect(seen).toEqual(whole);
});

test("one person's cursor opens no other person's list", async () => {
  const [ada, eve] = [newPerson(), newPerson()];
  await placeTenants(ada, [{}, {}]);
  const cursor = (await list(ada, { limit: "1" })).meta.nextCursor ?? "";
  const { status, body } = await eve.call<Problem>(`/api/v1/tenants?cursor=${cursor}`);
  expect([status, body.errors?.map(({ path }) => path)]).toEqual([400, ["cursor"]]);
});

test.each([
  ["page", "0"],
  ["limit", "101"],
  ["sortBy", "plan"],
  ["sortOrder", "up"],
])("the query %s=%s is refused, and the answer names it", async (name, value) => {
  const { status, body } = await newPerson().call<Problem>(`/api/v1/tenants?${name}=${value}`);
  expect([status, body.errors?.map((error) => [error.in, error.path])]).toEqual([
    400,
    [["query", name]],
  ]);
});
