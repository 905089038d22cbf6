import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Accepted } from "../../db/columns.ts";
import { provided, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { mine } from "../principal.ts";
import { read } from "../read.ts";
import { proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import type { Profile, ProfilePatch } from "./profile.schema.ts";
import { changedSince, noSuchUser } from "./users.service.ts";
import { userProfiles, users } from "./users.table.ts";

export const getMyProfile = (scope: TenantScope) => getProfile(scope, mine(scope, "userId"));

export async function getProfile(scope: TenantScope, userId: string | SQL): Promise<Profile> {
  const [[row]] = await read(scope, [profileQuery(scope, userId)] as const);
  return toProfile(row);
}

/** Writes the first words or changes them, if they still are what the caller saw. */
export async function updateMyProfile(
  scope: TenantScope,
  patch: ProfilePatch,
  accepted: Accepted,
): Promise<Profile> {
  const { db, request } = scope;
  const stamps = { updatedAt: request.now, updatedBy: actor };
  const current = sql`coalesce((select version from ${userProfiles} where user_id = ${proved.userId}), 0)`;
  const isCurrent = Array.isArray(accepted) ? sql`${current} in ${[...accepted, -1]}` : sql`true`;
  const save = db
    .insert(userProfiles)
    .values({ userId: proved.userId, ...patch, ...stamps })
    .onConflictDoUpdate({
      target: userProfiles.userId,
      set: { ...patch, ...stamps, version: sql`${userProfiles.version} + 1` },
    });
  const [[row]] = await commit(scope, [provided(isCurrent, changedSince), write(save)], [
    profileQuery(scope, mine(scope, "userId")),
  ] as const);
  return toProfile(row);
}

const profileQuery = ({ db }: TenantScope, userId: string | SQL) =>
  db
    .select({
      userId: users.id,
      jobTitle: userProfiles.jobTitle,
      department: userProfiles.department,
      phone: userProfiles.phone,
      bio: userProfiles.bio,
      locale: userProfiles.locale,
      timeZone: userProfiles.timeZone,
      version: userProfiles.version,
    })
    .from(users)
    .leftJoin(userProfiles, eq(userProfiles.userId, users.id))
    .where(and(eq(users.id, userId), isNull(users.deletedAt)));

function toProfile(row: Awaited<ReturnType<typeof profileQuery>>[number] | undefined): Profile {
  if (!row) throw noSuchUser();
  return { ...row, version: row.version ?? 0 };
}
