import { createRoute } from "@hono/zod-openapi";
import { readBearer } from "../../core/bearer-secret.ts";
import { identityRouter } from "../../http/context.ts";
import { forIdentity, identityErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { acceptInvitation } from "./accept.service.ts";
import { Acceptance, AcceptedInvitation } from "./invitations.schema.ts";
import { noSuchInvitation } from "./invitations.service.ts";

export const acceptance = identityRouter();

acceptance.openapi(
  createRoute({
    ...forIdentity(),
    method: "post",
    path: "/invitations/accept",
    operationId: "acceptInvitation",
    summary: "Accept an invitation with the token of its link",
    description: "Your token must carry the invited address, verified by the identity provider.",
    tags: ["Invitations"],
    request: { body: body(Acceptance) },
    responses: {
      200: json(AcceptedInvitation, "You belong to the tenant now"),
      ...identityErrors(
        "verified_email_required",
        "tenant_mismatch",
        "invitation_email_mismatch",
        "tenant_suspended",
        "not_found",
        "invitation_used",
        "already_member",
        "email_taken",
        "invitation_expired",
        "invitation_revoked",
        "tenant_credentials_unreadable",
        "schema_outdated",
        "schema_ahead",
      ),
    },
  }),
  async (c) => {
    const { ports, registry, identity, request, budget } = c.var;
    const signers = await ports.signers("bearer");
    const link = await readBearer("invitation", c.req.valid("json").token, signers);
    const found = link && (await ports.findTenant(registry, link.tenantId));
    const route = found && (await ports.fitTenant(registry, found));
    if (!route) throw noSuchInvitation();
    const { id, slug, organizationId, features } = route;
    const invited = {
      tenant: { id, slug, organizationId, features },
      caller: identity,
      db: ports.openTenant(route, budget, registry),
      directory: ports.directory(registry, id),
      request,
      ...(registry.once ? { once: registry.once } : {}),
    };
    return c.json(await acceptInvitation(invited, link.hash), 200);
  },
);
