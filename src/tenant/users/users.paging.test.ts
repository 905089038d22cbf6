import { expect, test } from "vitest";
import type { z } from "zod";
import { encodeCursor } from "../../core/cursor.ts";
import { type Member, newTenant } from "../../testing/harness.ts";
import { placeUsers } from "../../testing/rows.ts";
import type { UserPage, UserSummary } from "./users.schema.ts";

type Page = z.infer<typeof UserPage>;

async function list({ call }: Pick<Member, "call">, query: Record<string, string> = {}) {
  const { status, body } = await call<Page>(`/api/v1/users?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

test("pages cut the list without gap or overlap, and past the end is an empty page", async () => {
  const acme = await newTenant();
  await placeUsers(
    acme.db,
    Array.from({ length: 6 }, (_, i) => ({ name: `User ${i}` })),
  );
  const whole = await list(acme.owner);
  const pages = await Promise.all(
    [1, 2, 3, 4].map((page) => list(acme.owner, { page: `${page}`, limit: "3" })),
  );
  expect(pages.flatMap(({ data }) => data)).toEqual(whole.data);
  const sizes = pages.map(({ data }) => data.length);
  expect(sizes).toEqual([3, 3, 1, 0]);
  expect(pages.map(({ meta: { nextCursor, ...meta } }) => meta)).toEqual(
    [1, 2, 3, 4].map((currentPage) => ({
      currentPage,
      limit: 3,
      totalItems: 7,
      totalPages: 3,
      hasPreviousPage: currentPage > 1,
      hasNextPage: currentPage < 3,
    })),
  );
  expect(pages.map(({ meta }) => meta.nextCursor !== null)).toEqual([true, true, false, false]);
});

const longest = "漢".repeat(200);

test.each([
  ["createdAt", "desc"],
  ["createdAt", "asc"],
  ["updatedAt", "asc"],
  ["name", "asc"],
  ["email", "desc"],
])(
  "cursors by %s %s lead past every row once while rows come in on all sides",
  async (sortBy, sortOrder) => {
    const acme = await newTenant();
    const base = Date.UTC(2030, 0, 1);
    // Equal values side by side: only the id tells such rows apart.
    const rows = Array.from({ length: 9 }, (_, i) => ({
      name: i < 4 ? longest : `Name "${i}" \\ %_`,
      createdAt: base + Math.floor(i / 4),
      updatedAt: base + Math.floor(i / 4),
    }));
    const ids = await placeUsers(acme.db, rows);
    const intrude = (page: number) =>
      placeUsers(acme.db, [
        { name: `A ${page}`, email: `0-${page}@first.test`, createdAt: 1, updatedAt: 1 },
        { name: `鿿 ${page}`, email: `z-${page}@z.test`, createdAt: 2 * base, updatedAt: 2 * base },
      ]);
    const seen: UserSummary[] = [];
    const numbers: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query = { sortBy, sortOrder, limit: "2", ...(cursor && { cursor }) };
      const page = await list(acme.owner, query);
      seen.push(...page.data);
      numbers.push(page.meta.currentPage);
      cursor = page.meta.nextCursor;
      expect(page.meta.hasNextPage).toBe(cursor !== null);
      if (numbers.length <= 3) await intrude(numbers.length);
    }
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    const seenIds = seen.map(({ id }) => id);
    expect(new Set(seenIds).size).toBe(seenIds.length);
    expect(seenIds.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
  },
);

test("a cursor opens only the list, the order and the tenant it was made for", async () => {
  const globex = await newTenant();
  await placeUsers(globex.db, [{}, {}]);
  const { meta } = await list(globex.owner, { limit: "1" });
  const cursor = meta.nextCursor ?? "";
  expect((await list(globex.owner, { limit: "1", cursor })).data).toHaveLength(1);
  const strange = [
    globex.owner.call(`/api/v1/users?cursor=${cursor}&sortBy=name`),
    globex.owner.call(`/api/v1/users?cursor=${cursor}&sortOrder=asc`),
    globex.owner.call(`/api/v1/audit-logs?cursor=${cursor}`),
    globex.owner.call(`/api/v1/tenants?cursor=${cursor}`),
    (await newTenant()).owner.call(`/api/v1/users?cursor=${cursor}`),
  ];
  for (const { status, body } of await Promise.all(strange))
    expect([status, body["errors"]]).toEqual([
      400,
      [{ in: "query", path: "cursor", message: "does not belong to this list" }],
    ]);
});

test("a forged cursor shows nothing that its list would not show", async () => {
  const globex = await newTenant();
  await placeUsers(globex.db, [{ name: "Hidden", deletedAt: 1 }]);
  const list = `users of ${globex.id} createdAt desc`;
  for (const value of ["' or 1=1 --", "zzz", Number.MAX_SAFE_INTEGER, -1, null]) {
    const cursor = encodeCursor({ list, page: 2, value, id: "'" });
    const { status, body } = await globex.owner.call<Page>(`/api/v1/users?cursor=${cursor}`);
    expect(status).toBe(200);
    expect(body.data.map(({ id }) => id).filter((id) => id !== globex.owner.userId)).toEqual([]);
  }
});
