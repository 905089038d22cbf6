import { expect, test } from "vitest";
import { pageMeta, pageQuery } from "./pagination.ts";

const query = pageQuery(["createdAt", "name"]);

test("a page query has defaults for all it leaves out", () => {
  expect(query.parse({})).toEqual({ page: 1, limit: 50, sortBy: "createdAt", sortOrder: "desc" });
});

test("a page query takes what it allows", () => {
  expect(
    query.parse({ page: "7", limit: "100", sortBy: "name", sortOrder: "asc", cursor: "abc" }),
  ).toEqual({ page: 7, limit: 100, sortBy: "name", sortOrder: "asc", cursor: "abc" });
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
  ["limit", "5 "],
  ["limit", "+5"],
  ["limit", "five"],
  ["limit", "٥"],
  ["sortBy", "passwordHash"],
  ["sortBy", "name; drop table users"],
  ["sortOrder", "DESC"],
  ["cursor", "a".repeat(2001)],
])("%s=%j is refused, and only it is named", (name, value) => {
  const result = query.safeParse({ [name]: value });
  expect(result.error?.issues.map((issue) => issue.path)).toEqual([[name]]);
});

const rows: [string, Parameters<typeof pageMeta>, object][] = [
  ["nothing at all", [1, 50, 0], { totalPages: 0, hasPreviousPage: false, hasNextPage: false }],
  ["the only page", [1, 50, 50], { totalPages: 1, hasPreviousPage: false, hasNextPage: false }],
  ["the first of two", [1, 50, 51], { totalPages: 2, hasPreviousPage: false, hasNextPage: true }],
  ["the last of two", [2, 50, 51], { totalPages: 2, hasPreviousPage: true, hasNextPage: false }],
  ["past the end", [9, 50, 51], { totalPages: 2, hasPreviousPage: true, hasNextPage: false }],
  [
    "past the end of nothing",
    [3, 50, 0],
    { totalPages: 0, hasPreviousPage: false, hasNextPage: false },
  ],
];

test.each(rows)("the meta of %s adds up", (_, [page, limit, totalItems], expected) => {
  expect(pageMeta(page, limit, totalItems)).toEqual({
    currentPage: page,
    limit,
    totalItems,
    nextCursor: null,
    ...expected,
  });
});
