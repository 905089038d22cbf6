import { type AnyColumn, asc, desc, sql } from "drizzle-orm";
import { decodeCursor, encodeCursor } from "../core/cursor.ts";
import { type PageMeta, pageMeta } from "../core/pagination.ts";

type PageQuery<Column extends string> = {
  readonly page: number;
  readonly limit: number;
  readonly sortBy: Column;
  readonly sortOrder: "asc" | "desc";
  readonly cursor?: string | undefined;
};
type Scalar = string | number;

/**
 * Turns a page query into SQL. `columns` are what may be sorted by, none of them nullable; `id`
 * breaks ties, so no row is skipped or shown twice; `list` names tenant and resource, and a cursor
 * of another list is refused.
 */
export function pageOf<Column extends string>(
  query: PageQuery<Column>,
  { list, columns, id }: { list: string; columns: Record<Column, AnyColumn>; id: AnyColumn },
) {
  const { limit, sortBy, sortOrder } = query;
  const name = `${list} ${sortBy} ${sortOrder}`;
  const cursor = query.cursor === undefined ? undefined : decodeCursor(query.cursor, name);
  const column = columns[sortBy];
  const [beyond, order] = sortOrder === "asc" ? [sql`>`, asc] : [sql`<`, desc];
  const page = cursor?.page ?? query.page;

  return {
    /** As one row value: written out with `or`, it would be read from the start of the index. */
    after: cursor && sql`(${column}, ${id}) ${beyond} (${cursor.value}, ${cursor.id})`,
    orderBy: [order(column), order(id)],
    /** One more than asked for tells whether there is a next page. */
    limit: limit + 1,
    offset: cursor ? 0 : (page - 1) * limit,
    /** `keyOf` gives the sorted value and the id of a row as stored. */
    result<Row, Wire>(
      rows: readonly Row[],
      total: number,
      keyOf: (row: Row) => readonly [Scalar, Scalar],
      toWire: (row: Row) => Wire,
    ): { data: Wire[]; meta: PageMeta } {
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      const more = rows.length > limit && last !== undefined;
      const [value, rowId] = more ? keyOf(last) : [null, ""];
      const nextCursor = more
        ? encodeCursor({ list: name, page: page + 1, value, id: rowId })
        : null;
      const meta = { ...pageMeta(page, limit, total), hasNextPage: more, nextCursor };
      return { data: shown.map(toWire), meta };
    },
  };
}
