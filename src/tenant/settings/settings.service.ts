import { sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { type Accepted, atVersion, iso } from "../../db/columns.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { touched } from "../stamps.ts";
import { changedSince } from "../users/users.service.ts";
import type { SettingsPatch, TenantSettings } from "./settings.schema.ts";
import { settings } from "./settings.table.ts";

export async function getSettings(scope: TenantScope): Promise<TenantSettings> {
  const [[row]] = await read(scope, [settingsQuery(scope)] as const);
  return toSettings(row);
}

/** SQLite merges the patch itself (RFC 7396), so that two changes of different fields both hold. */
export async function updateSettings(
  scope: TenantScope,
  patch: SettingsPatch,
  accepted: Accepted,
): Promise<TenantSettings> {
  const { db, request } = scope;
  const update = db
    .update(settings)
    .set({
      value: sql`json_patch(${settings.value}, ${JSON.stringify(patch)})`,
      ...touched(settings.version, request.now),
    })
    .where(atVersion(settings.version, accepted));
  const [[row]] = await commit(scope, [must(update, changedSince)], [
    settingsQuery(scope),
  ] as const);
  return toSettings(row);
}

const settingsQuery = ({ db }: TenantScope) =>
  db
    .select({ value: settings.value, version: settings.version, updatedAt: settings.updatedAt })
    .from(settings);

type Row = Awaited<ReturnType<typeof settingsQuery>>[number];

function toSettings(row: Row | undefined): TenantSettings {
  if (!row) throw new ApiError("not_found", "The tenant has no settings");
  const { value, version, updatedAt } = row;
  return { settings: value, version, updatedAt: iso(updatedAt) };
}
