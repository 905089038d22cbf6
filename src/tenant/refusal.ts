import { describeAccess } from "../core/access.ts";
import { ApiError } from "../core/error.ts";
import type { Intent, Principal } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/** Says why a principal is not admitted. Whoever is nobody here gets one answer. */
export function refusal(scope: TenantScope, principal: Principal, intent: Intent): ApiError {
  return (
    ofCredential(scope, principal) ??
    ofStanding(scope, principal, intent) ??
    ofAccount(scope, principal) ??
    (intent === "write" && principal.mode === "read"
      ? new ApiError("forbidden", "Your access grant is for looking only")
      : new ApiError("forbidden", `This needs ${describeAccess(scope.access)}`))
  );
}

/** The one answer for tenants that do not exist and tenants that are not the caller's. */
export const stranger = (): ApiError =>
  new ApiError("tenant_forbidden", "No such tenant, or you are not a member of it");

const invalid = { "www-authenticate": 'Bearer realm="tenantry", error="invalid_token"' };

export const suspended = (): ApiError =>
  new ApiError("tenant_suspended", "This tenant is suspended");
const deleting = (detail: string) => new ApiError("tenant_deleting", detail);

/** For keys that never were, are revoked, have expired, or whose owner is out. */
export const invalidKey = (): ApiError =>
  new ApiError("unauthenticated", "The API key is not acceptable", { headers: invalid });

function ofCredential({ caller }: TenantScope, principal: Principal): ApiError | undefined {
  const { live, userId, userStatus } = principal;
  if (caller.kind === "key") return live ? undefined : invalidKey();
  if (caller.kind === "operator") return live ? undefined : stranger();
  if (userId === null || userStatus === "pending") return stranger();
  if (live) return undefined;
  return new ApiError("session_revoked", "This session was ended: sign in again", {
    headers: invalid,
  });
}

function ofStanding({ access, caller, tenant }: TenantScope, principal: Principal, intent: Intent) {
  const { tenantStatus } = principal;
  if (principal.userStatus === "suspended")
    return new ApiError("user_suspended", "An admin of this tenant suspended you");
  if (tenantStatus === "suspended" && caller.kind !== "operator") return suspended();
  if (tenantStatus === "purging") return deleting("This tenant is being deleted");
  if (tenantStatus === "deleting" && intent === "write" && !access.whileDeleting)
    return deleting("This tenant is to be deleted: it can only be read, or brought back");
  if (access.feature !== undefined && tenant.features[access.feature] !== true)
    return new ApiError("feature_disabled", `The tenant does not have ${access.feature}`);
  return undefined;
}

function ofAccount({ access, accountId, caller }: TenantScope, { reachable, role }: Principal) {
  if (!reachable)
    return new ApiError("account_forbidden", "No such account, or you are not a member of it");
  const depends = !("member" in access || "tenantRole" in access);
  if (depends && caller.kind === "user" && accountId === null && role === null)
    return new ApiError("account_required", "Name the account you work in: send its account-id");
  return undefined;
}
