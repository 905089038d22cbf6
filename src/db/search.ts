import { type AnyColumn, like, type SQL, sql } from "drizzle-orm";

/** The text stands anywhere in the column; `%` and `_` of the caller mean themselves. */
export const contains = (column: AnyColumn, text: string): SQL =>
  sql`${like(column, `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`)} escape '\\'`;
