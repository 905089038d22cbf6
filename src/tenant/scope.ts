import type { Access } from "../core/access.ts";
import type { Identity, RequestContext } from "../core/request.ts";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import type { TenantDb } from "../db/connect.ts";

type Person = Pick<Identity, "issuer" | "subject">;
export type Membership = Person & { readonly role: TenantRole };

/** The registry's index of this tenant: all a tenant feature may ask of the other wing. */
export type Directory = {
  /** What the index has of this person: `waiting` was accepted elsewhere and is not used yet. */
  findMembership(person: Person): Promise<
    | {
        readonly role: TenantRole;
        readonly accountRole: AccountRole | null;
        readonly status: "waiting" | "active";
      }
    | undefined
  >;
  saveMemberships(memberships: readonly Membership[]): Promise<void>;
  removeMemberships(people: readonly Person[]): Promise<void>;
  rename(name: string): Promise<void>;
};

/** All a tenant feature may touch. Built once per request, frozen, and never re-pointed. */
export type TenantScope = {
  readonly tenant: { readonly id: string; readonly slug: string };
  readonly caller: Identity;
  /** The account the caller works in, as named by the `account-id` header; not yet proved. */
  readonly accountId: string | null;
  /** What the route demands. `read` and `commit` prove it in the same batch as the work. */
  readonly access: Access;
  readonly db: TenantDb;
  readonly directory: Directory;
  readonly request: RequestContext;
  /** Asks the registry afresh where the tenant is, after its database said it is not here. */
  readonly relocate: () => Promise<TenantDb | undefined>;
};
