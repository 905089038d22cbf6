import { expect, test } from "vitest";
import { createSigners, type Signer } from "../../core/mac.ts";
import { Secret } from "../../core/secret.ts";
import { followChain, type Link, linksOver, macOf, type Seal, unsealed } from "./chain.ts";
import type { LoggedRow } from "./pages.sql.ts";

const ring = ["k1", "k2"].map((kid, i) => ({
  kid,
  key: new Secret(`${i}`.repeat(42).concat("A")),
}));
const signers = await createSigners(ring)("audit");
const [signer] = signers as [Signer, Signer];
const tenantId = "tnt_1";

const rowAt = (sequence: number, entityId = `thing_${sequence}`): LoggedRow => ({
  sequence,
  row: JSON.stringify({ sequence, entityId, reason: null }),
});
const rows = [1, 2, 3, 4, 5].map((sequence) => rowAt(sequence));
const links = await linksOver(signer, tenantId, unsealed, rows);
const linkAt = (at: number) => links[at - 1] as Link;
const seal: Seal = { tenantId, signers, head: unsealed };

const without = <T extends { sequence: number }>(list: readonly T[], ...gone: number[]) =>
  list.filter(({ sequence }) => !gone.includes(sequence));

test("a digest stays what it is, whatever is added to the code or the table", async () => {
  const row = {
    sequence: 7,
    reason: null,
    entity: "users",
    changes: '{"name":{"old":"Ada","new":"é"}}',
    at: 1,
  };
  const digest = (columns: object, before = "00") =>
    macOf(signer, tenantId, before, { sequence: 7, row: JSON.stringify(columns) });
  const known = await digest(row);
  expect(known).toBe("51338d82c341293fa607ec290abb6fb3b646a323a65d63786ccfd28f5463ee9e");
  expect(await digest(Object.fromEntries(Object.entries(row).reverse()))).toBe(known);
  expect(await digest({ ...row, addedLater: null })).toBe(known);
  expect(await digest({ ...row, addedLater: "" })).not.toBe(known);
  expect(await digest(row, "01")).not.toBe(known);
  expect(await macOf(signer, "tnt_2", "00", { sequence: 7, row: JSON.stringify(row) })).not.toBe(
    known,
  );
});

test("a chain is followed to its end, in any number of steps, and made the same again", async () => {
  expect(await followChain(seal, unsealed, rows, links)).toEqual({
    place: linkAt(5),
    verified: 5,
  });
  const half = await followChain(seal, unsealed, rows.slice(0, 2), links);
  expect(half).toEqual({ place: linkAt(2), verified: 2 });
  expect(await followChain(seal, half.place, rows.slice(2), links.slice(2))).toEqual({
    place: linkAt(5),
    verified: 3,
  });
  const first = await linksOver(signer, tenantId, unsealed, rows.slice(0, 2));
  const rest = await linksOver(signer, tenantId, linkAt(2), rows.slice(2));
  expect([...first, ...rest]).toEqual(links);
});

test("rows that are not sealed yet are no flaw", async () => {
  const more = [...rows, rowAt(6), rowAt(7)];
  expect(await followChain(seal, unsealed, more, links)).toMatchObject({ verified: 5 });
});

test("numbers the database left out are no flaw", async () => {
  const sparse = [rowAt(1), rowAt(5), rowAt(9)];
  const chain = await linksOver(signer, tenantId, unsealed, sparse);
  expect(await followChain(seal, unsealed, sparse, chain)).toMatchObject({ verified: 3 });
});

const edited = rows.map((row) => (row.sequence === 3 ? rowAt(3, "another") : row));
const swapped = rows.map(
  (row) => ({ 2: rowAt(2, "thing_3"), 3: rowAt(3, "thing_2") })[row.sequence] ?? row,
);
const moved = (list: readonly Link[]) =>
  list.map(
    (link) =>
      ({ 2: { ...linkAt(3), sequence: 2 }, 3: { ...linkAt(2), sequence: 3 } })[link.sequence] ??
      link,
  );

test.each<[string, LoggedRow[], Link[], string, number]>([
  ["an edited row", edited, links, "changed", 3],
  ["rows that changed places", swapped, links, "changed", 2],
  ["rows that changed places with their links", swapped, moved(links), "changed", 2],
  ["a row that is gone", without(rows, 3), links, "missing", 3],
  ["the first row gone", without(rows, 1), links, "missing", 1],
  ["every row gone", [], links, "missing", 1],
  ["a row gone with its link", without(rows, 3), without(links, 3), "missing", 3],
  ["several gone with their links", without(rows, 2, 3), without(links, 2, 3), "missing", 2],
  ["the first gone with its link", without(rows, 1), without(links, 1), "missing", 1],
  ["a link that is gone", rows, without(links, 3), "added", 3],
  ["a link of another's making", rows, links.map((l) => ({ ...l, mac: "00" })), "changed", 1],
  ["a link of a key we do not have", rows, [{ ...linkAt(1), kid: "k9" }], "key_unknown", 1],
  ["a link said to be another key's", rows, [{ ...linkAt(1), kid: "k2" }], "changed", 1],
])("%s is found where it is", async (_, foundRows, foundLinks, finding, sequence) => {
  const { flaw, verified } = await followChain(seal, unsealed, foundRows, foundLinks);
  expect(flaw).toMatchObject({ finding, sequence });
  expect(verified).toBe(sequence - 1);
});

test("more rows without a link than a page holds are found at the first of them", async () => {
  const { flaw } = await followChain(seal, unsealed, rows.slice(0, 3), links.slice(4));
  expect(flaw).toMatchObject({ finding: "added", sequence: 1 });
});

test("a row put into a gap of the numbers is found", async () => {
  const sparse = [rowAt(1), rowAt(5)];
  const chain = await linksOver(signer, tenantId, unsealed, sparse);
  const { flaw } = await followChain(seal, unsealed, [rowAt(1), rowAt(3), rowAt(5)], chain);
  expect(flaw).toMatchObject({ finding: "added", sequence: 3 });
});

test("a chain that was sealed anew after a cut is found where the registry knows another link", async () => {
  const anew = await linksOver(signer, tenantId, linkAt(2), [rowAt(3, "x"), rowAt(4), rowAt(5)]);
  const chain = [linkAt(1), linkAt(2), ...anew];
  const now = [rowAt(1), rowAt(2), rowAt(3, "x"), rowAt(4), rowAt(5)];
  const head = { sequence: 4, mac: linkAt(4).mac, links: 4 };
  const { flaw } = await followChain({ ...seal, head }, unsealed, now, chain);
  expect(flaw).toMatchObject({ finding: "cut", sequence: 4 });
  expect(await followChain({ ...seal, head }, unsealed, rows, links)).toMatchObject({
    verified: 5,
  });
});
