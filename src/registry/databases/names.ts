import { databaseNameOf } from "../../platform/platform.ts";

const whole = /^tnt-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-|$)/;
/** Of a database that took the place of another: the ends of its tenant's id and of the work that made it. */
const short = /^tnt-[0-9a-f]{12}-[0-9a-f]{20}$/;

/** Whether we might have given it. So might another deployment. */
export const isOurName = (name: string): boolean => whole.test(name) || short.test(name);

/** The tenant's id, where the name has all of it. */
export function tenantNamedBy(name: string): string | undefined {
  const [, uuid] = whole.exec(name) ?? [];
  return uuid && `tnt_${uuid}`;
}

/** Whether the name was derived from this tenant's id. */
export const isNamedAfter = (name: string, tenantId: string): boolean =>
  short.test(name)
    ? name.startsWith(`tnt-${tenantId.slice(-12)}-`)
    : name === databaseNameOf(tenantId) || name.startsWith(`${databaseNameOf(tenantId)}-`);
