CREATE TABLE `account_members` (
	`account_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`account_id`, `user_id`),
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `account_members_user` ON `account_members` (`user_id`);--> statement-breakpoint
CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`domain` text,
	`settings` text DEFAULT '{}' NOT NULL,
	`active` integer DEFAULT true NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`created_by` text,
	`updated_by` text,
	`deleted_at` integer,
	`deleted_by` text
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_name` ON `accounts` (`name`) WHERE "accounts"."deleted_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_domain` ON `accounts` (`domain`) WHERE "accounts"."deleted_at" is null;--> statement-breakpoint
CREATE TABLE `audit_context` (
	`id` integer PRIMARY KEY NOT NULL,
	`transaction_id` text,
	`request_id` text,
	`actor_type` text,
	`account_id` text,
	`ip` text,
	`user_agent` text,
	`actor_id` text NOT NULL,
	`tenant_role` text,
	`role` text,
	CONSTRAINT "audit_context_one_row" CHECK("audit_context"."id" = 1)
) STRICT;
--> statement-breakpoint
CREATE TABLE `audit_logs` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`transaction_id` text,
	`request_id` text,
	`actor_type` text NOT NULL,
	`account_id` text,
	`ip` text,
	`user_agent` text,
	`actor_id` text NOT NULL,
	`entity` text NOT NULL,
	`entity_id` text NOT NULL,
	`action` text NOT NULL,
	`changes` text NOT NULL,
	`at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `audit_logs_at` ON `audit_logs` (`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_entity` ON `audit_logs` (`entity`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_entity_id` ON `audit_logs` (`entity_id`,`entity`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_actor` ON `audit_logs` (`actor_id`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_request` ON `audit_logs` (`request_id`,`at`);--> statement-breakpoint
CREATE TABLE `tenant_identity` (
	`id` integer PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`default_account_id` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`updated_by` text,
	CONSTRAINT "tenant_identity_one_row" CHECK("tenant_identity"."id" = 1)
) STRICT;
--> statement-breakpoint
CREATE TABLE `settings` (
	`id` integer PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`updated_at` integer NOT NULL,
	`updated_by` text,
	CONSTRAINT "settings_one_row" CHECK("settings"."id" = 1)
) STRICT;
--> statement-breakpoint
CREATE TABLE `user_identities` (
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`issuer`, `subject`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `user_identities_user` ON `user_identities` (`user_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`profile_image` text,
	`status` text NOT NULL,
	`tenant_role` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`created_by` text,
	`updated_by` text,
	`deleted_at` integer,
	`deleted_by` text
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`email`) WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `users_created` ON `users` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_updated` ON `users` (`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_name` ON `users` (`name`,`id`);--> statement-breakpoint
CREATE INDEX `users_tenant_role` ON `users` (`tenant_role`);