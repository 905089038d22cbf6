PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text,
	`tenant_role` text NOT NULL,
	`account_id` text,
	`account_role` text,
	`user_id` text,
	`inviter_id` text,
	`token_hash` text NOT NULL,
	`issued_at` integer NOT NULL,
	`state` text NOT NULL,
	`expires_at` integer NOT NULL,
	`sent_at` integer,
	`accepted_at` integer,
	`accepted_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`created_by` text,
	`updated_by` text,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`inviter_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_invitations`("id", "email", "name", "tenant_role", "account_id", "account_role", "user_id", "inviter_id", "token_hash", "issued_at", "state", "expires_at", "sent_at", "accepted_at", "accepted_by", "created_at", "updated_at", "created_by", "updated_by") SELECT "id", "email", "name", "tenant_role", "account_id", "account_role", "user_id", "inviter_id", "token_hash", "issued_at", "state", "expires_at", "sent_at", "accepted_at", "accepted_by", "created_at", "updated_at", "created_by", "updated_by" FROM `invitations`;--> statement-breakpoint
DROP TABLE `invitations`;--> statement-breakpoint
ALTER TABLE `__new_invitations` RENAME TO `invitations`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_token` ON `invitations` (`token_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_pending` ON `invitations` (`email`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `invitations_created` ON `invitations` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `invitations_account` ON `invitations` (`account_id`);--> statement-breakpoint
CREATE INDEX `invitations_user` ON `invitations` (`user_id`);--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (`email`);--> statement-breakpoint
CREATE INDEX `invitations_accepter` ON `invitations` (`accepted_by`);--> statement-breakpoint
CREATE INDEX `invitations_inviter` ON `invitations` (`inviter_id`);--> statement-breakpoint
CREATE INDEX `invitations_unsent` ON `invitations` (`created_at`) WHERE state = 'pending' and sent_at is null;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `status_reason` text;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `delete_after` integer;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `plan` text DEFAULT 'basic' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `organization_id` text;--> statement-breakpoint
ALTER TABLE `tenant_identity` ADD `held_at` integer;