import { assertAdmitted } from "../admit.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { Archive } from "./archive.ts";

/**
 * The tenant's archive, for who may look into it. It lies in the registry, so that what the tenant's
 * database comes to does not touch it: the caller is proved first, in the tenant's own.
 */
export async function archiveToRead(scope: TenantScope): Promise<Archive> {
  await read(scope, [] as const);
  return scope.archive();
}

/** The same for who may change something. */
export async function archiveToWrite(scope: TenantScope): Promise<Archive> {
  await assertAdmitted(scope, "write");
  return scope.archive();
}
