import type { Context } from "hono";
import type { IdentityEnv } from "../http/context.ts";
import type { ProvisioningScope } from "./scope.ts";

/** What long work takes, in the name of the operator who asks. */
export function workOf(c: Context<IdentityEnv>): ProvisioningScope {
  const { ports, registry, identity } = c.var;
  return { ...ports.openProvisioning(c.var, identity), ...registry };
}
