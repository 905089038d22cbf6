import { ApiError } from "../../core/error.ts";
import type { ObjectStore } from "../../object-store/object-store.ts";

/** Throws where this deployment has no bucket for backups. */
export function storeOf({ store }: { readonly store?: ObjectStore | undefined }): ObjectStore {
  if (store) return store;
  throw new ApiError(
    "backups_off",
    "This deployment keeps no backups: bind an R2 bucket as BACKUPS to switch them on",
  );
}
