import { ApiError } from "../core/error.ts";
import type { IdentityProvider } from "./identity-provider.ts";

/** A provider this deployment may not manage: people make and end their accounts there themselves. */
export const unmanagedProvider: IdentityProvider = {
  kind: "none",
  invite: async () => null,
  setBlocked: async () => {
    throw managementIsOff();
  },
  link: async () => {
    throw managementIsOff();
  },
};

const managementIsOff = () =>
  new ApiError(
    "identity_management_off",
    "This deployment has no access to the identity provider's management",
  );
