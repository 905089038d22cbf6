import type { Context } from "hono";
import type { Access } from "../core/access.ts";
import { ApiError } from "../core/error.ts";
import { isId } from "../core/id.ts";
import { stranger } from "../tenant/principal.ts";
import type { TenantScope } from "../tenant/scope.ts";
import type { TokenEnv } from "./context.ts";
import { chooseSignal, signalsOf, tenantRequired } from "./signals.ts";

type Signalled = {
  readonly req: Pick<Context["req"], "url" | "header">;
  readonly var: TokenEnv["Variables"];
};

/** All signals that are present. Throws on a malformed header. */
function readSignals(c: Signalled) {
  const { tenancy } = c.var.ports;
  return signalsOf(tenancy, {
    tenantClaim: c.var.identity.tenantClaim,
    url: c.req.url,
    header: c.req.header(tenancy.headerName),
  });
}

/** The scope of a route that needs a tenant. */
export async function enterTenant(c: Signalled, access: Access): Promise<TenantScope> {
  const scope = await findScope(c, access);
  if (!scope) throw tenantRequired(c.var.ports.tenancy);
  return scope;
}

/**
 * Finds the one tenant all signals name and opens the scope of this request in it. Proves nothing
 * yet. Undefined where the configured strategy finds no name; even then no two names may differ.
 */
export async function findScope(c: Signalled, access: Access): Promise<TenantScope | undefined> {
  const { ports, request, budget, identity } = c.var;
  const { chosen, names } = chooseSignal(ports.tenancy, readSignals(c));
  const name = chosen ?? (names.length > 1 ? names[0] : undefined);
  if (name === undefined) return undefined;
  const registry = ports.openRegistry(c.var, identity);
  const route = await ports.findTenant(registry, name);
  if (names.length > 1 && names.some((each) => each !== route?.id && each !== route?.slug))
    throw new ApiError("tenant_mismatch", "The token, host and header name different tenants");
  if (chosen === undefined) return undefined;
  if (!route) throw stranger();
  return Object.freeze({
    tenant: Object.freeze({ id: route.id, slug: route.slug }),
    caller: identity,
    accountId: accountOf(c),
    access,
    db: ports.openTenant(route, budget),
    directory: ports.directory(registry, route.id),
    request,
    relocate: async () => {
      const now = await ports.findTenant(registry, route.id, true);
      const moved = now && JSON.stringify(now.address) !== JSON.stringify(route.address);
      return moved ? ports.openTenant(now, budget) : undefined;
    },
  });
}

/** What cannot be an account's id is answered like the id of no account. */
function accountOf(c: Signalled): string | null {
  const named = c.req.header("account-id");
  if (named === undefined) return null;
  return isId("account", named) ? named : "none";
}
