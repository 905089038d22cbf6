import type { Once } from "../../db/once.ts";
import type { Backup, BackupPage, BackupsQuery } from "./backups.schema.ts";
import type {
  NewRestoration,
  Restoration,
  RestorationPage,
  RestorationsQuery,
} from "./restorations.schema.ts";

/** What is kept of one tenant, and how it comes back: all a tenant feature may ask of the other wing. */
export type Archive = {
  listBackups(query: BackupsQuery): Promise<BackupPage>;
  getBackup(id: string): Promise<Backup>;
  /** Begun, and often ready. */
  backUp(once: Once | undefined): Promise<Backup>;
  /** An export that lies beside the backups becomes one of them. */
  takeIn(object: string, once: Once | undefined): Promise<Backup>;
  listRestorations(query: RestorationsQuery): Promise<RestorationPage>;
  getRestoration(id: string): Promise<Restoration>;
  restore(wanted: NewRestoration, once: Once | undefined): Promise<Restoration>;
  undoRestoration(id: string, once: Once | undefined): Promise<Restoration>;
};
