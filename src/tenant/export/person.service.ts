import { type SQL, sql } from "drizzle-orm";
import { statement } from "../../db/batch.ts";
import { mine } from "../principal.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { noSuchUser } from "../users/users.service.ts";
import type { PersonExport } from "./export.schema.ts";
import { type Exported, exported, nameOf, rowOf } from "./exported.ts";

/** Of each table: whoever has more asks for the tenant's export. */
const mostRows = 1000;

type Personal = Required<Pick<Exported, "of">> & Exported;
const personal = exported.filter((each): each is Personal => each.of !== undefined);

export const exportMyself = (scope: TenantScope) => exportPerson(scope, mine);

/** What is known of one person, deleted or not, as it is stored; nothing that would let somebody in. */
export async function exportPerson(
  scope: TenantScope,
  who: string | ((scope: TenantScope, column: "userId") => SQL),
): Promise<PersonExport> {
  const pages = await read(scope, (asked) => {
    const id = typeof who === "string" ? sql`${who}` : who(asked, "userId");
    return personal.map((each) =>
      statement<{ row: string }>(
        asked.db,
        sql`select ${rowOf(each)} as row from ${each.table} where ${each.of(id)} limit ${mostRows}`,
      ),
    );
  });
  const rowsIn = (i: number) =>
    (pages[i] ?? []).map(({ row }) => JSON.parse(row) as Record<string, unknown>);
  const tables = Object.fromEntries(personal.map((each, i) => [nameOf(each), rowsIn(i)]));
  if (tables["users"]?.length !== 1) throw noSuchUser();
  return { exportedAt: new Date(scope.request.now).toISOString(), tables };
}
