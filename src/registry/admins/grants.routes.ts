import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError, invalidField } from "../../core/error.ts";
import { idOf } from "../../core/id.ts";
import { type IdentityEnv, identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import {
  AccessGrant,
  AccessGrantPage,
  GrantsQuery,
  NewGrant,
} from "../../tenant/grants/grants.schema.ts";
import {
  type Door,
  endGrantAtDoor,
  listGrantsAtDoor,
  takeGrant,
} from "../../tenant/grants/take.service.ts";

const tags = ["Operators"];
const TenantParams = z.object({ id: idOf("tenant") });
/** What may be wrong with the tenant's database. */
const atDoor = ["tenant_credentials_unreadable", "schema_outdated", "schema_ahead"] as const;
const GrantAtDoorParams = TenantParams.extend({ grantId: idOf("grant") });

export const adminGrants = identityRouter();

adminGrants.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants/{id}/access-grants",
    operationId: "listAccessGrantsAsOperator",
    summary: "List who of the platform may enter a tenant, and may have",
    tags,
    request: { params: TenantParams, query: GrantsQuery },
    responses: {
      200: json(AccessGrantPage, "One page of grants"),
      ...operatorErrors("not_found", ...atDoor),
    },
  }),
  async (c) => {
    const door = await doorOf(c, c.req.valid("param").id);
    return c.json(await listGrantsAtDoor(door, c.req.valid("query")), 200);
  },
);

adminGrants.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/access-grants",
    operationId: "takeAccessGrant",
    summary: "Let yourself into a tenant for a reason, for a while",
    description:
      "Then call the tenant's routes as any member does. Its owner sees the grant and all you do, and can end it.",
    tags,
    request: { params: TenantParams, body: body(NewGrant) },
    responses: {
      201: json(AccessGrant, "The grant", "Location"),
      ...operatorErrors("not_found", "already_member", ...atDoor),
    },
  }),
  async (c) => {
    const input = c.req.valid("json");
    assertDuration(input.minutes, c.var.ports.quotas.grantMinutes);
    const grant = await takeGrant(await doorOf(c, c.req.valid("param").id), input);
    c.header("location", `${c.req.path}/${grant.id}`);
    return c.json(grant, 201);
  },
);

adminGrants.openapi(
  createRoute({
    ...forOperators(),
    method: "delete",
    path: "/admin/tenants/{id}/access-grants/{grantId}",
    operationId: "endAccessGrantAsOperator",
    summary: "End a grant of yours or a colleague's",
    tags,
    request: { params: GrantAtDoorParams },
    responses: {
      204: { description: "The grant is over" },
      ...operatorErrors("not_found", ...atDoor),
    },
  }),
  async (c) => {
    const { id, grantId } = c.req.valid("param");
    await endGrantAtDoor(await doorOf(c, id), grantId);
    return c.body(null, 204);
  },
);

async function doorOf(c: Context<IdentityEnv>, id: string): Promise<Door> {
  const { ports, registry, identity, request, budget } = c.var;
  const found = await ports.findTenant(registry, id);
  const route = found && (await ports.fitTenant(registry, found));
  if (!route) throw new ApiError("not_found", "No such tenant");
  const once = registry.once ? { once: registry.once } : {};
  const db = ports.openTenant(route, budget, registry);
  return { tenant: { id }, db, request, operator: identity, ...once };
}

/** What this deployment allows, within what a grant can be. */
function assertDuration(minutes: number, most: number): void {
  if (minutes <= most) return;
  const message = `must be at most ${most}`;
  throw invalidField(`minutes: ${message}`, { in: "body", path: "minutes", message });
}
