import { z } from "zod";
import { sha256 } from "../../core/mac.ts";
import type { Stretch } from "../../db/dump.ts";
import type { Table } from "../../db/tables.ts";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { Hopeless } from "../operations/kind.ts";

export const formatVersion = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();
export const Part = z.object({ bytes: size, sha256: digest });
export type Part = z.infer<typeof Part>;

/** What a backup holds: enough to tell, from it alone, whose it is and whether all of it is there. */
export const Manifest = z.object({
  format: z.literal(formatVersion),
  tenantId: z.string(),
  slug: z.string(),
  takenAt: z.iso.datetime(),
  schemaVersion: size,
  /** Hashes of the migrations its database had been through. */
  migrations: z.array(digest),
  /** `digest` is chained over the rows in order: see `digestAfter`. */
  tables: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      rows: size,
      digest: digest.or(z.literal("")),
    }),
  ),
  parts: z.array(Part),
});
export type Manifest = z.infer<typeof Manifest>;

export const manifestKey = (prefix: string): string => `${prefix}manifest.json`;
export const partKey = (prefix: string, part: number): string =>
  `${prefix}${String(part).padStart(6, "0")}.ndjson.gz`;

/** The manifest, if it is the one whose checksum was put down, whole, and this tenant's. */
export async function readManifest(
  store: ObjectStore,
  { prefix, checksum, tenantId }: { prefix: string; checksum: string | null; tenantId: string },
): Promise<Manifest> {
  const stored = await store.get(manifestKey(prefix));
  if (!stored) throw new Hopeless("The backup's manifest is gone");
  if (checksum === null || (await sha256(stored)) !== checksum)
    throw new Hopeless("The backup's manifest is not the one that was written");
  const read = Manifest.safeParse(JSON.parse(new TextDecoder().decode(stored)));
  if (!read.success) throw new Hopeless("The backup's manifest is of a kind nobody knows here");
  if (read.data.tenantId !== tenantId) throw new Hopeless("The backup is another tenant's");
  return read.data;
}

/** Lines of JSON: what is an object names the table and columns of the rows behind it. */
export async function pack(stretches: readonly Stretch[]): Promise<Uint8Array<ArrayBuffer>> {
  const lines = stretches.flatMap(({ table: { name, columns }, rows }) => [
    JSON.stringify({ table: name, columns }),
    ...rows,
  ]);
  return await through(new CompressionStream("gzip"), `${lines.join("\n")}\n`);
}

/** The rows of a part, if it is as it was written. */
export async function unpack(
  packed: Uint8Array<ArrayBuffer> | undefined,
  part: Part,
): Promise<Stretch[]> {
  if (!packed) throw new Hopeless("A part of the backup is gone");
  if ((await sha256(packed)) !== part.sha256)
    throw new Hopeless("A part of the backup is not as it was written");
  const text = new TextDecoder().decode(await through(new DecompressionStream("gzip"), packed));
  const stretches: { table: Table; rows: string[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("[")) stretches.at(-1)?.rows.push(line);
    else if (line) stretches.push({ table: tableOf(line), rows: [] });
  }
  return stretches;
}

function tableOf(line: string): Table {
  const { table, columns } = JSON.parse(line) as { table: string; columns: string[] };
  return { name: table, columns };
}

async function through(
  stream: CompressionStream | DecompressionStream,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const source = new Response(body).body as ReadableStream<Uint8Array<ArrayBuffer>>;
  return new Uint8Array(await new Response(source.pipeThrough(stream)).arrayBuffer());
}
