ALTER TABLE `tenant_identity` ADD `status_reason` text;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `delete_after` integer;