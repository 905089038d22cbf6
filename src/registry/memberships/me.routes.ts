import { createRoute, z } from "@hono/zod-openapi";
import { permissions } from "../../core/permissions.ts";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { identityRouter } from "../../http/context.ts";
import { forIdentity, tenantErrors, tenantHeaders } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { findScope } from "../../http/tenancy.ts";
import { getMyMembership } from "../../tenant/users/me.service.ts";
import { isPlatformAdmin } from "../admins/admins.service.ts";
import { MyTenant, MyTenantsQuery } from "../tenants/tenants.schema.ts";
import { listMyTenants } from "../tenants/tenants.service.ts";

const MyMembership = z
  .object({
    tenant: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    userId: z
      .string()
      .nullable()
      .openapi({ description: "Null for a platform admin who is in by an access grant." }),
    tenantRole: z.enum(tenantRoles),
    accountId: z.string().nullable(),
    role: z.enum(accountRoles).nullable(),
    permissions: z.array(z.enum(permissions)),
    grantReason: z.string().nullable().openapi({
      description: "Why a platform admin was let in; null for everybody else.",
    }),
    accounts: z.array(
      z.object({ accountId: z.string(), name: z.string(), role: z.enum(accountRoles) }),
    ),
  })
  .openapi("MyMembership");

const Me = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    platformAdmin: z.boolean(),
    tenants: z
      .array(MyTenant)
      .openapi({ description: "The first hundred; `GET /api/v1/tenants` pages through all." }),
    membership: z
      .union([MyMembership, z.null()])
      .openapi({ description: "Null where the request names no tenant." }),
  })
  .openapi("Me");

export const me = identityRouter();

me.openapi(
  createRoute({
    ...forIdentity(),
    parameters: tenantHeaders,
    method: "get",
    path: "/auth/me",
    operationId: "getMe",
    summary: "Who you are, your tenants, and your rights in the tenant the request names",
    description: "Name a tenant, and an account, to see your membership of it.",
    tags: tag("Authentication", "Who the caller is."),
    responses: { 200: json(Me, "You"), ...tenantErrors() },
  }),
  async (c) => {
    const { registry, identity } = c.var;
    const { issuer, subject, email, name } = identity;
    const scope = await findScope(c, { member: true });
    if (scope) c.set("scope", scope);
    const [membership, platformAdmin, tenants] = await Promise.all([
      scope ? getMyMembership(scope) : null,
      isPlatformAdmin(registry, identity),
      listMyTenants(registry, MyTenantsQuery.parse({ limit: "100" })),
    ]);
    const you = { issuer, subject, email, name, platformAdmin };
    return c.json({ ...you, tenants: tenants.data, membership }, 200);
  },
);
