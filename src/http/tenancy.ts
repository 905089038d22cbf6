import type { Context } from "hono";
import type { Access } from "../core/access.ts";
import { ApiError } from "../core/error.ts";
import { isId } from "../core/id.ts";
import type { RegistryScope } from "../registry/scope.ts";
import type { TenantRoute } from "../registry/tenants/locate.service.ts";
import { invalidKey, stranger } from "../tenant/refusal.ts";
import type { TenantScope } from "../tenant/scope.ts";
import type { Call, CallerEnv } from "./context.ts";
import { chooseSignal, organizationName, signalsOf, tenantRequired } from "./signals.ts";

type Signalled = {
  readonly req: Pick<Context["req"], "url" | "header">;
  readonly var: CallerEnv["Variables"];
};

/** All signals that are present. Throws on a malformed header. */
function readSignals(c: Signalled) {
  const { ports, caller } = c.var;
  const said = caller.kind === "key" ? { key: caller.tenantId } : caller;
  const header = c.req.header(ports.tenancy.headerName);
  return signalsOf(ports.tenancy, { ...said, url: c.req.url, header });
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
  const { ports, caller } = c.var;
  const { chosen, names } = chooseSignal(ports.tenancy, readSignals(c));
  const name = chosen ?? (names.length > 1 ? names[0] : undefined);
  if (name === undefined) return undefined;
  const registry = ports.openRegistry(c.var, caller);
  const route = await ports.findTenant(registry, name);
  const own = route && [route.id, route.slug, organizationName(route.organizationId)];
  if (names.length > 1 && names.some((each) => !own?.includes(each)))
    throw new ApiError("tenant_mismatch", "The token, host and header name different tenants");
  if (chosen === undefined) return undefined;
  if (!route) throw caller.kind === "key" ? invalidKey() : stranger();
  const fit = await ports.fitTenant(registry, route);
  if (!fit) throw stranger();
  const { request, budget } = c.var;
  const asked = { access, accountId: accountOf(c) };
  return openScope({ ports, caller, request, budget, registry, route: fit, ...asked });
}

type Opening = Pick<CallerEnv["Variables"], "ports" | "caller" | "request" | "budget"> &
  Pick<TenantScope, "access" | "accountId"> & {
    readonly registry: RegistryScope;
    readonly route: TenantRoute;
  };

function openScope(opening: Opening): TenantScope {
  const { ports, caller, request, budget, registry, route, access, accountId } = opening;
  const { id, slug, organizationId, features } = route;
  return Object.freeze({
    tenant: Object.freeze({ id, slug, organizationId, features }),
    caller,
    accountId,
    access,
    db: ports.openTenant(route, budget, registry),
    directory: ports.directory(registry, id),
    closing: ports.closing({ request, budget }, registry, id),
    archive: () =>
      ports.archive(ports.openWork({ request, budget }, { actor: registry.actor }), id, caller),
    signers: ports.signers,
    quotas: ports.quotas,
    post: ports.post(route, request),
    request,
    relocate: async () => {
      const found = await ports.findTenant(registry, id, true);
      const now = found && (await ports.fitTenant(registry, found));
      const moved = now && JSON.stringify(now.address) !== JSON.stringify(route.address);
      return moved ? ports.openTenant(now, budget, registry) : undefined;
    },
    renewed: () => {
      const call = renew(opening);
      return openScope({ ...opening, ...call, registry: ports.openRegistry(call, caller) });
    },
  });
}

/** As much time again as there was. What ends by the clock, such as a grant, may end in between. */
function renew({ request, budget }: Call): Call {
  const now = Date.now();
  const deadline = now + (budget.deadline - request.now);
  return { request: { ...request, now }, budget: { ...budget, deadline } };
}

/** What cannot be an account's id is answered like the id of no account. */
function accountOf(c: Signalled): string | null {
  const named = c.req.header("account-id");
  if (named === undefined) return null;
  return isId("account", named) ? named : "none";
}
