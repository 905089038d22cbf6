import { hex, isEqual, type Signer } from "../../core/mac.ts";
import { clip } from "../../core/text.ts";
import type { LoggedRow } from "./pages.sql.ts";

/** Ties a sealed row to the one before it. */
export type Link = { readonly sequence: number; readonly mac: string; readonly kid: string };
/** As far as the chain has been followed or made. */
export type Place = { readonly sequence: number; readonly mac: string };
/** How far the chain was when the registry last took note. */
export type Head = Place & { readonly links: number };

export const unsealed: Head = { sequence: 0, mac: "", links: 0 };
/** What `createSigners` is asked for. */
export const purpose = "audit";

export const findings = ["changed", "missing", "added", "cut", "key_unknown"] as const;
export type Flaw = {
  readonly sequence: number;
  readonly finding: (typeof findings)[number];
  readonly detail: string;
};

/**
 * Over the tenant, the place in the log, the link before and the row: whoever holds no key can neither
 * change a row nor move, drop or add one without leaving a link that does not fit.
 */
export async function macOf(
  signer: Signer,
  tenantId: string,
  before: string,
  { sequence, row }: LoggedRow,
): Promise<string> {
  return hex(await signer.sign([tenantId, sequence, before, canonical(row)].join("\n")));
}

/** Without columns that are null, the rest by name: a column that is added later changes no digest. */
function canonical(row: string): string {
  const columns = Object.entries(JSON.parse(row) as Record<string, unknown>);
  const given = columns.filter(([, value]) => value !== null);
  return JSON.stringify(Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The links that carry the chain on over these rows. */
export async function linksOver(
  signer: Signer,
  tenantId: string,
  place: Place,
  rows: readonly LoggedRow[],
): Promise<Link[]> {
  const links: Link[] = [];
  for (const row of rows) {
    const before = links.at(-1)?.mac ?? place.mac;
    const mac = await macOf(signer, tenantId, before, row);
    links.push({ sequence: row.sequence, mac, kid: signer.kid });
  }
  return links;
}

/** What a link must fit. */
export type Seal = {
  readonly tenantId: string;
  readonly signers: readonly Signer[];
  readonly head: Head;
};

/**
 * Follows the chain from `place` over the rows and the links that come right after it, each in order, none
 * skipped by whoever read them. Stops at the first flaw, or where rows or links end.
 */
export async function followChain(
  seal: Seal,
  place: Place,
  rows: readonly LoggedRow[],
  links: readonly Link[],
): Promise<{ place: Place; verified: number; flaw?: Flaw }> {
  const end = rows.length;
  let last = place;
  for (const [verified, link] of links.entries()) {
    // A page of rows is over; without any row, what has a link is gone.
    if (verified === end && end > 0) return { place: last, verified };
    const found = { link, row: rows[verified] };
    const next = { link: links[verified + 1], row: rows[verified + 1] };
    const flaw = await findFlaw(seal, last, found, next);
    if (flaw) return { place: last, verified, flaw };
    last = link;
  }
  return { place: last, verified: links.length };
}

type Found = { readonly link: Link | undefined; readonly row: LoggedRow | undefined };

async function findFlaw(
  seal: Seal,
  place: Place,
  { link, row }: Found & { readonly link: Link },
  next: Found,
): Promise<Flaw | undefined> {
  const { sequence } = link;
  if (!row || row.sequence > sequence)
    return { sequence, finding: "missing", detail: "The row is gone; its link is still there" };
  if (row.sequence < sequence) return added(row.sequence, "The row has no link, and later ones do");
  if (!signerOf(seal, link))
    return {
      sequence,
      finding: "key_unknown",
      detail: `Sealed with the key ${clip(link.kid, 32)}, which is not in SECRET_KEY`,
    };
  if (!(await fits(seal, place, { link, row })))
    return (await fits(seal, place, next))
      ? added(sequence, "The chain leads past the row and its link")
      : unlike(place, sequence);
  const passesHead = place.sequence < seal.head.sequence && sequence >= seal.head.sequence;
  if (passesHead && !isSame(link.mac, seal.head.mac))
    return {
      sequence: seal.head.sequence,
      finding: "cut",
      detail: "The log was sealed anew from here on, or from before",
    };
  return undefined;
}

async function fits(seal: Seal, place: Place, { link, row }: Found): Promise<boolean> {
  const signer = link && signerOf(seal, link);
  if (!signer || row?.sequence !== link.sequence) return false;
  return isSame(link.mac, await macOf(signer, seal.tenantId, place.mac, row));
}

const signerOf = ({ signers }: Seal, { kid }: Link) => signers.find((signer) => signer.kid === kid);

export const added = (sequence: number, detail: string): Flaw => ({
  sequence,
  finding: "added",
  detail,
});

/** AUTOINCREMENT numbers rows one after the other: a gap means that rows were deleted. */
const unlike = (place: Place, sequence: number): Flaw =>
  sequence > place.sequence + 1
    ? {
        sequence: place.sequence + 1,
        finding: "missing",
        detail: `Rows before ${sequence} are gone with their links, or ${sequence} was changed`,
      }
    : { sequence, finding: "changed", detail: "The row or its link is not what was sealed" };

const encoder = new TextEncoder();
const isSame = (left: string, right: string) =>
  isEqual(encoder.encode(left), encoder.encode(right));
