CREATE TABLE `chores` (
	`name` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `findings` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`tenant_id` text,
	`detail` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`quarantined_at` integer
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `findings_subject` ON `findings` (`kind`,`subject`);--> statement-breakpoint
CREATE INDEX `findings_first_seen` ON `findings` (`first_seen_at`,`id`);--> statement-breakpoint
CREATE INDEX `findings_kind` ON `findings` (`kind`,`first_seen_at`,`id`);--> statement-breakpoint
CREATE INDEX `findings_tenant` ON `findings` (`tenant_id`,`first_seen_at`,`id`);--> statement-breakpoint
CREATE TABLE `warm_databases` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `warm_databases_state` ON `warm_databases` (`state`,`created_at`);--> statement-breakpoint
ALTER TABLE `tenants` ADD `sealed_with` text;--> statement-breakpoint
CREATE INDEX `tenants_sealed_with` ON `tenants` (`sealed_with`);--> statement-breakpoint
CREATE INDEX `tenants_token_expires` ON `tenants` (`token_expires_at`);