ALTER TABLE `tenant_identity` ADD `held_at` integer;--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (`email`);--> statement-breakpoint
CREATE INDEX `invitations_accepter` ON `invitations` (`accepted_by`);