import { eq } from "drizzle-orm";
import type { Identity } from "../../core/request.ts";
import { migrate } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { untilReady } from "../../db/ready.ts";
import { write } from "../../db/write.ts";
import { seedTenant, stampTenant } from "../../tenant/identity/found.service.ts";
import { ledgerChange } from "../databases/ledger.service.ts";
import { memberships } from "../memberships/memberships.table.ts";
import type { Kind, Work } from "../operations/kind.ts";
import { openOf } from "./locate.service.ts";
import { keepToken } from "./token-vault.ts";

/** What the steps after the probe take, or the record that it failed. */
const laterStepsMs = 5000;

/** What is stored of who signs up: all it takes to put them in. */
export type ProvisionInput = {
  readonly slug: string;
  readonly name: string;
  readonly owner: Pick<Identity, "issuer" | "subject" | "email" | "name">;
};
const inputOf = ({ operation }: Work) => operation.input as ProvisionInput;

/**
 * Setting up a tenant. Names derive from the tenant's id, so a retry finds what an earlier try made.
 * No step hands a secret to the next but through the sealed row.
 */
export const provision = {
  steps: {
    create_database: async (scope, { tenant: { databaseName, region } }) => {
      const wanted = { name: databaseName, region: region ?? undefined };
      const databaseHost = await scope.platform.ensureDatabase(wanted);
      const also = [ledgerChange(scope, databaseName, { host: databaseHost })];
      return { tenant: { databaseHost }, also };
    },
    mint_token: async ({ platform, keyRing }, { tenant: { id, databaseName } }) => {
      const minted = await platform.mintToken(databaseName);
      return { tenant: await keepToken(keyRing, id, minted) };
    },
    probe: async (scope, { tenant }) => {
      const db = await openOf(scope, tenant);
      await untilReady(db, db.budget.deadline - laterStepsMs);
      return {};
    },
    migrate: async (scope, { tenant }) => ({
      tenant: { schemaVersion: await migrate(await openOf(scope, tenant), tenantMigrations) },
    }),
    stamp: async (scope, { tenant }) => {
      await stampTenant({ db: await openOf(scope, tenant), request: scope.request, tenant });
      return {};
    },
    seed: async (scope, work) => {
      const { tenant } = work;
      const db = await openOf(scope, tenant);
      await seedTenant({ db, request: scope.request, tenant }, inputOf(work).owner);
      return {};
    },
    activate: async (scope, { tenant: { databaseName } }) => ({
      tenant: { status: "active" },
      also: [ledgerChange(scope, databaseName, { state: "current" })],
    }),
  },
  isPastReturn: ({ tenant }: Work) => tenant.status !== "provisioning",
  undo: {
    delete_database: async (scope, { tenant: { databaseName } }) => {
      await scope.platform.deleteDatabase(databaseName);
      return { also: [ledgerChange(scope, databaseName, { state: "gone" })] };
    },
    /** An id is no slug: the name is free again. */
    release_slug: async ({ db }, { tenant: { id } }) => ({
      tenant: { status: "abandoned", slug: id, sealedToken: null },
      also: [write(db.delete(memberships).where(eq(memberships.tenantId, id)))],
    }),
  },
} satisfies Kind;
