import { ApiError } from "./core/error.ts";
import { describeCauses, log } from "./http/log.ts";
import { backUpTenants, forgetBackups } from "./registry/backups/schedule.service.ts";
import { deleteFormerDatabases } from "./registry/databases/former.service.ts";
import { reconcile } from "./registry/findings/reconcile.service.ts";
import { forgetIdempotencyKeys } from "./registry/idempotency/idempotency.service.ts";
import { migrateFleet } from "./registry/migrations/job.service.ts";
import { resumeOperations } from "./registry/operations/resume.service.ts";
import type { JobScope } from "./registry/scope.ts";
import { beginPurges } from "./registry/tenants/purge.service.ts";
import { renewTokens, resealTokens } from "./registry/tenants/tokens.service.ts";
import { lookAfterTenants } from "./registry/tenants/upkeep.service.ts";
import { fillWarmPool } from "./registry/warm/fill.service.ts";

type Job = (scope: JobScope) => Promise<Record<string, number>>;

/** The table of contents of what nobody asks for: by the call of the clock (`wrangler.toml`), in this order. */
const jobs: Record<string, Record<string, Job>> = {
  "* * * * *": {
    begin_purges: beginPurges,
    resume_operations: resumeOperations,
    migrate_fleet: migrateFleet,
    fill_warm_pool: fillWarmPool,
  },
  "*/5 * * * *": {
    forget_idempotency_keys: forgetIdempotencyKeys,
    renew_tokens: renewTokens,
    reseal_tokens: resealTokens,
    reconcile,
    delete_former_databases: deleteFormerDatabases,
    forget_backups: forgetBackups,
    back_up_tenants: backUpTenants,
    look_after_tenants: lookAfterTenants,
  },
};

/** One line in the log for each job, and one for each tenant it failed at. A job that fails stops no other. */
export async function runJobs(
  cron: string,
  openJob: (name: string) => Omit<JobScope, "failed">,
): Promise<void> {
  // A call by hand names none, and means all.
  const due = jobs[cron] ?? Object.assign({}, ...Object.values(jobs));
  for (const [job, run] of Object.entries<Job>(due)) {
    const scope = openJob(job);
    const { request, db } = scope;
    const about = () => ({
      job,
      requestId: request.requestId,
      ms: Date.now() - request.now,
      trips: db.budget.spent.trips,
    });
    const failed = (tenantId: string, error: unknown) =>
      log("error", "job_failed_at_tenant", { ...about(), tenantId, ...reasonOf(error) });
    await run({ ...scope, failed }).then(
      (counts) => log("info", "job", { ...about(), ...counts }),
      (error) => log("error", "job_failed", { ...about(), ...reasonOf(error) }),
    );
  }
}

const reasonOf = (error: unknown) => ({
  code: error instanceof ApiError ? error.code : "internal_error",
  causes: describeCauses(error),
});
