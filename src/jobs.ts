import { ApiError } from "./core/error.ts";
import { describeCauses, log } from "./http/log.ts";
import { backUpTenants, forgetBackups } from "./registry/backups/schedule.service.ts";
import { deleteFormerDatabases } from "./registry/databases/former.service.ts";
import { forgetIdempotencyKeys } from "./registry/idempotency/idempotency.service.ts";
import { resumeOperations } from "./registry/operations/resume.service.ts";
import type { JobScope } from "./registry/scope.ts";
import { lookAfterTenants } from "./registry/tenants/upkeep.service.ts";

/** The table of contents of what nobody asks for: each job at every call of the clock, in this order. */
const jobs: Record<string, (scope: JobScope) => Promise<Record<string, number>>> = {
  forget_idempotency_keys: forgetIdempotencyKeys,
  resume_operations: resumeOperations,
  delete_former_databases: deleteFormerDatabases,
  forget_backups: forgetBackups,
  back_up_tenants: backUpTenants,
  look_after_tenants: lookAfterTenants,
};

/** One line in the log for each job, and one for each tenant it failed at. A job that fails stops no other. */
export async function runJobs(openJob: (name: string) => Omit<JobScope, "failed">): Promise<void> {
  for (const [job, run] of Object.entries(jobs)) {
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
