import type { Access } from "../core/access.ts";
import type { SignerRing } from "../core/mac.ts";
import type { ApiKey, Caller, Identity, Operator, RequestContext } from "../core/request.ts";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import type { TenantDb } from "../db/connect.ts";
import type { Once } from "../db/once.ts";
import type { Letter } from "../mail/invitation.ts";
import type { Archive } from "./backups/archive.ts";

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
  /** Whether the identity belongs to other tenants too, as the index has it. */
  belongsElsewhere(person: Person): Promise<boolean>;
  /** Whether the registry, asked now, has this identity as an active platform admin. */
  isOperator(identity: Identity): Promise<boolean>;
  /** Where the chain over this tenant's log ended when it was last sealed, out of reach of its database. */
  findAuditHead(): Promise<
    | {
        readonly sequence: number;
        readonly links: number;
        readonly mac: string;
        readonly sealedAt: number;
      }
    | undefined
  >;
};

/** What the platform decided the tenant has: a feature is there when its value is `true`. */
export type Features = Readonly<Record<string, unknown>>;

/** Our own signatures: what we issued, and what nobody but us can have written. */
export type Signers = (purpose: string) => Promise<SignerRing>;

/** How much of each the tenant may have. */
export type Quotas = {
  readonly apiKeys: number;
  readonly grantMinutes: number;
  readonly deletionDays: number;
};

/** Hands an invitation's mail over. False where it did not go, which the Worker's log explains. */
export type Post = (letter: Letter) => Promise<boolean>;

/** What deleting the tenant takes beside its own stamp. Each part may be repeated. */
export type Closing = {
  /** Whether it must be kept, whatever its owner asks for. */
  isHeld(): Promise<boolean>;
  /** The registry has it deleted after this moment, and the platform lets no write through. */
  close(deleteAfter: number, reason: string | null): Promise<void>;
  allowWrites(): Promise<void>;
  reopen(): Promise<void>;
};

/**
 * All a tenant feature may touch. Never changed in place: who follows a database that moved, or enters
 * under a grant, goes on with a scope of their own. Only how `once` went is settled on the way.
 */
export type TenantScope = {
  readonly tenant: {
    readonly id: string;
    readonly slug: string;
    /** The provider's organisation that stands for it, if any. */
    readonly organizationId: string | null;
    readonly features: Features;
  };
  readonly caller: Caller;
  /** The account the caller works in, as named by the `account-id` header; not yet proved. */
  readonly accountId: string | null;
  /** What the route demands. `read` and `commit` prove it in the same batch as the work. */
  readonly access: Access;
  readonly db: TenantDb;
  readonly directory: Directory;
  readonly closing: Closing;
  /** What is kept of this tenant: opened by who has been let in. */
  readonly archive: () => Archive;
  readonly signers: Signers;
  readonly quotas: Quotas;
  readonly post: Post;
  readonly request: RequestContext;
  /** Set where the request is to have one effect, however often it arrives. */
  readonly once?: Once;
  /** Asks the registry afresh where the tenant is, after its database said it is not here. */
  readonly relocate: () => Promise<TenantDb | undefined>;
  /** The same with the time of a whole request, from now on: for work that goes on in steps. */
  readonly renewed: () => TenantScope;
};

/** The same scope for one kind of caller. */
export type ScopeOf<C extends Caller> = TenantScope & { readonly caller: C };
export const isBy = <K extends Caller["kind"]>(
  scope: TenantScope,
  kind: K,
): scope is ScopeOf<Extract<Identity | ApiKey | Operator, { kind: K }>> =>
  scope.caller.kind === kind;
