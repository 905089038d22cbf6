import { seedTenant } from "../../tenant/identity/found.service.ts";
import {
  deliverToFirstOwner,
  type FirstOwner,
  inviteFirstOwner,
} from "../../tenant/invitations/first-owner.service.ts";
import type { Kind, Tenant, Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";
import { openOf } from "./locate.service.ts";
import { provision } from "./provision.steps.ts";

/** What is stored of who a tenant is set up for: they are yet to come. */
export type ProvisionForOwnerInput = {
  readonly slug: string;
  readonly name: string;
  readonly owner: FirstOwner;
};

const { seed: _, activate, ...before } = provision.steps;

/**
 * Setting up a tenant on behalf of its owner: nobody is in it until they accept their invitation, the
 * operator neither. Only the mail comes after `activate`, and it never fails: what is active is not undone.
 */
export const provisionForOwner: Kind = {
  steps: {
    ...before,
    seed: async (scope, { tenant }) => {
      await seedTenant({ db: await openOf(scope, tenant), request: scope.request, tenant });
      return {};
    },
    invite_owner: async (scope, work) => {
      const { owner } = work.operation.input as ProvisionForOwnerInput;
      const issuer = await issuerOf(scope, work.tenant);
      await inviteFirstOwner(issuer, operatorOf(work), owner, { afresh: false });
      return {};
    },
    activate,
    send_invitation: async (scope, { tenant }) => {
      const sent = await issuerOf(scope, tenant)
        .then(deliverToFirstOwner)
        .catch(() => false);
      return { progress: sent ? "handed over" : "not handed over yet: the clock tries again" };
    },
  },
  isPastReturn: provision.isPastReturn,
  undo: provision.undo,
};

const operatorOf = ({ operation: { issuer, subject } }: Work) =>
  ({ type: "operator", id: `${issuer}|${subject}` }) as const;

/** What it takes to invite somebody into the tenant. */
export async function issuerOf(scope: WorkScope, tenant: Tenant) {
  const { signers, request, post } = scope;
  return { tenant, signers, request, db: await openOf(scope, tenant), post: post(tenant) };
}
