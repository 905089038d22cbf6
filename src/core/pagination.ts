import { z } from "@hono/zod-openapi";
import { decimal } from "./text.ts";

const lastPage = 1_000_000;

/** `page`, `limit`, `sortBy` out of an allow-list, `sortOrder`; or `cursor` in the place of `page`. */
export const pageQuery = <const Columns extends readonly [string, ...string[]]>(columns: Columns) =>
  z.object({
    page: decimal(1, lastPage)
      .default(1)
      .openapi({ type: "integer", minimum: 1, maximum: lastPage, default: 1 }),
    limit: decimal(1, 100)
      .default(50)
      .openapi({ type: "integer", minimum: 1, maximum: 100, default: 50 }),
    sortBy: z.enum(columns).default(columns[0] as Columns[number]),
    sortOrder: z.enum(["asc", "desc"]).default("desc"),
    cursor: z
      .string()
      .max(2000)
      .optional()
      .openapi({ description: "`meta.nextCursor` of the page before; takes the place of `page`." }),
  });

export const PageMeta = z
  .object({
    currentPage: z.int(),
    limit: z.int(),
    totalItems: z.int(),
    totalPages: z.int(),
    hasPreviousPage: z.boolean(),
    hasNextPage: z.boolean(),
    nextCursor: z
      .union([z.string(), z.null()])
      .openapi({ description: "Send it as `cursor` for the next page; null at the end." }),
  })
  .openapi("PageMeta");
export type PageMeta = z.infer<typeof PageMeta>;

export function pageMeta(page: number, limit: number, totalItems: number): PageMeta {
  const totalPages = Math.ceil(totalItems / limit);
  return {
    currentPage: page,
    limit,
    totalItems,
    totalPages,
    hasPreviousPage: page > 1 && totalItems > 0,
    hasNextPage: page < totalPages,
    nextCursor: null,
  };
}
