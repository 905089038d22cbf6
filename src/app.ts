import { OpenAPIHono } from "@hono/zod-openapi";
import { secureHeaders } from "hono/secure-headers";
import type { Ports, PublicEnv } from "./http/context.ts";
import { crossOrigin } from "./http/cors.ts";
import { type DocsSettings, mountDocs } from "./http/docs.ts";
import { answerFailure } from "./http/failure.ts";
import { health } from "./http/health.ts";
import { limitAnnounced } from "./http/limits.ts";
import { login } from "./http/login.ts";
import { loginConfig } from "./http/login-config.ts";
import { type Limits, requestContext } from "./http/request-context.ts";
import { unmatched } from "./http/unmatched.ts";
import { adminGrants } from "./registry/admins/grants.routes.ts";
import { registryAudit } from "./registry/audit/audit.routes.ts";
import { adminBackups } from "./registry/backups/admin.routes.ts";
import { adminMoves } from "./registry/databases/move.routes.ts";
import { findings } from "./registry/findings/findings.routes.ts";
import { me } from "./registry/memberships/me.routes.ts";
import { adminMigrations } from "./registry/migrations/migrations.routes.ts";
import { adminOperations } from "./registry/operations/admin.routes.ts";
import { operations } from "./registry/operations/operations.routes.ts";
import { people } from "./registry/people/people.routes.ts";
import { adminTenants } from "./registry/tenants/admin.routes.ts";
import { credentials } from "./registry/tenants/credentials.routes.ts";
import { legalHold } from "./registry/tenants/legal-hold.routes.ts";
import { suspension } from "./registry/tenants/suspension.routes.ts";
import { tenants } from "./registry/tenants/tenants.routes.ts";
import { accounts } from "./tenant/accounts/accounts.routes.ts";
import { members } from "./tenant/accounts/members.routes.ts";
import { apiKeys } from "./tenant/api-keys/api-keys.routes.ts";
import { audit } from "./tenant/audit/audit.routes.ts";
import { backups } from "./tenant/backups/backups.routes.ts";
import { exports } from "./tenant/export/export.routes.ts";
import { grants } from "./tenant/grants/grants.routes.ts";
import { deletion } from "./tenant/identity/deletion.routes.ts";
import { identity } from "./tenant/identity/identity.routes.ts";
import { acceptance } from "./tenant/invitations/accept.routes.ts";
import { invitations } from "./tenant/invitations/invitations.routes.ts";
import { roles } from "./tenant/roles/roles.routes.ts";
import { sessions } from "./tenant/sessions/sessions.routes.ts";
import { settings } from "./tenant/settings/settings.routes.ts";
import { belongings } from "./tenant/users/belongings.routes.ts";
import { me as myUser } from "./tenant/users/me.routes.ts";
import { tenantMembers } from "./tenant/users/members.routes.ts";
import { users } from "./tenant/users/users.routes.ts";

export type AppSettings = {
  readonly ports: Ports;
  readonly limits: Limits;
  readonly cors: { readonly origins: readonly string[]; readonly credentials: boolean };
  readonly docs: DocsSettings;
};

/** The table of contents: read top to bottom, it is what a request meets, in order. */
export function createApp({ ports, limits, cors, docs }: AppSettings) {
  const app = new OpenAPIHono<PublicEnv>();
  app.onError(answerFailure);
  app.notFound((c) => answerFailure(unmatched(app, c.req.method, c.req.path), c));

  app.use(requestContext(ports, limits));
  app.use(secureHeaders({ crossOriginResourcePolicy: "cross-origin" }));
  app.use(crossOrigin(cors.origins, cors.credentials, ports.tenancy.headerName));
  app.use(limitAnnounced);

  app.route("/", health);
  app.route("/api/v1", loginConfig);
  app.route("/api/v1", login);

  app.route("/api/v1", me);
  app.route("/api/v1", tenants);
  app.route("/api/v1", operations);

  app.route("/api/v1", acceptance);

  app.route("/api/v1", adminTenants);
  app.route("/api/v1", suspension);
  app.route("/api/v1", legalHold);
  app.route("/api/v1", credentials);
  app.route("/api/v1", adminOperations);
  app.route("/api/v1", adminGrants);
  app.route("/api/v1", adminMigrations);
  app.route("/api/v1", registryAudit);
  app.route("/api/v1", findings);
  app.route("/api/v1", adminBackups);
  app.route("/api/v1", adminMoves);
  app.route("/api/v1", people);

  app.route("/api/v1", identity);
  app.route("/api/v1", deletion);
  app.route("/api/v1", settings);
  app.route("/api/v1", backups);
  app.route("/api/v1", tenantMembers);
  app.route("/api/v1", exports);
  app.route("/api/v1", myUser);
  app.route("/api/v1", users);
  app.route("/api/v1", belongings);
  app.route("/api/v1", accounts);
  app.route("/api/v1", members);
  app.route("/api/v1", invitations);
  app.route("/api/v1", sessions);
  app.route("/api/v1", apiKeys);
  app.route("/api/v1", roles);
  app.route("/api/v1", audit);
  app.route("/api/v1", grants);

  mountDocs(app, docs, ports.tenancy.headerName);
  return app;
}
