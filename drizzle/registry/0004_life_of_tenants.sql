CREATE TABLE `backups` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`operation_id` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`prefix` text NOT NULL,
	`bytes` integer,
	`rows` integer,
	`checksum` text,
	`schema_version` integer,
	`head_sequence` integer NOT NULL,
	`head_links` integer NOT NULL,
	`head_mac` text NOT NULL,
	`taken_at` integer,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `backups_tenant` ON `backups` (`tenant_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `backups_expiry` ON `backups` (`expires_at`);--> statement-breakpoint
CREATE UNIQUE INDEX `backups_operation` ON `backups` (`operation_id`);--> statement-breakpoint
CREATE TABLE `databases` (
	`name` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`operation_id` text,
	`state` text NOT NULL,
	`host` text,
	`keep_until` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `databases_tenant` ON `databases` (`tenant_id`);--> statement-breakpoint
CREATE INDEX `databases_state` ON `databases` (`state`,`keep_until`);--> statement-breakpoint
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
CREATE TABLE `migration_failures` (
	`run_id` text NOT NULL,
	`tenant_id` text NOT NULL,
	`error` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`run_id`, `tenant_id`),
	FOREIGN KEY (`run_id`) REFERENCES `migration_runs`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `migration_failures_at` ON `migration_failures` (`run_id`,`at`,`tenant_id`);--> statement-breakpoint
CREATE INDEX `migration_failures_tenant` ON `migration_failures` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `migration_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`status` text NOT NULL,
	`target` integer NOT NULL,
	`options` text NOT NULL,
	`issuer` text,
	`subject` text NOT NULL,
	`wave` integer DEFAULT 0 NOT NULL,
	`wave_tried` integer DEFAULT 0 NOT NULL,
	`wave_failed` integer DEFAULT 0 NOT NULL,
	`cursor_version` integer DEFAULT -1 NOT NULL,
	`cursor_id` text DEFAULT '' NOT NULL,
	`left_out` integer DEFAULT false NOT NULL,
	`total` integer NOT NULL,
	`migrated` integer DEFAULT 0 NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL,
	`skipped` integer DEFAULT 0 NOT NULL,
	`turn` integer DEFAULT 0 NOT NULL,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`driven_ms` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `migration_runs_running` ON `migration_runs` (`status`) WHERE status = 'running';--> statement-breakpoint
CREATE INDEX `migration_runs_created` ON `migration_runs` (`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `warm_databases` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `warm_databases_state` ON `warm_databases` (`state`,`created_at`);--> statement-breakpoint
DROP INDEX `tenants_schema_version`;--> statement-breakpoint
ALTER TABLE `tenants` ADD `sealed_with` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `oldest_code` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `migration_lease_until` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `migration_error` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `migration_failed_at` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `schema_drift` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `status_reason` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `status_since` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `delete_after` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `database_access` text DEFAULT 'open' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `legal_hold` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_status` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_error` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_checked_at` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `latency_ms` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `last_backup_at` integer;--> statement-breakpoint
CREATE INDEX `tenants_behind` ON `tenants` (`schema_version`,`id`);--> statement-breakpoint
CREATE INDEX `tenants_migration_failed` ON `tenants` (`migration_failed_at`,`id`);--> statement-breakpoint
CREATE INDEX `tenants_sealed_with` ON `tenants` (`sealed_with`);--> statement-breakpoint
CREATE INDEX `tenants_token_expires` ON `tenants` (`token_expires_at`);--> statement-breakpoint
DROP INDEX `operations_tenant`;--> statement-breakpoint
ALTER TABLE `operations` ADD `undoing` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `output` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `failures` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `retry_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `operations_created` ON `operations` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `operations_tenant` ON `operations` (`tenant_id`,`created_at`,`id`);--> statement-breakpoint
ALTER TABLE `operation_steps` ADD `undoes` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `operation_steps` ADD `progress` text;--> statement-breakpoint
INSERT INTO `databases` (`name`, `tenant_id`, `state`, `host`, `created_at`, `updated_at`) SELECT `database_name`, `id`, CASE `status` WHEN 'provisioning' THEN 'made' ELSE 'current' END, `database_host`, `created_at`, `updated_at` FROM `tenants`;
