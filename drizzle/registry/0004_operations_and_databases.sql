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
ALTER TABLE `operation_steps` ADD `undoes` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `operation_steps` ADD `progress` text;--> statement-breakpoint
ALTER TABLE `operations` ADD `undoing` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `output` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `failures` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `operations` ADD `retry_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `operations_created` ON `operations` (`created_at`,`id`);--> statement-breakpoint
ALTER TABLE `tenants` ADD `status_reason` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `status_since` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `delete_after` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `database_access` text DEFAULT 'open' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `legal_hold` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_status` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_error` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `health_checked_at` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `latency_ms` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `last_backup_at` integer;--> statement-breakpoint
INSERT INTO `databases` (`name`, `tenant_id`, `state`, `host`, `created_at`, `updated_at`) SELECT `database_name`, `id`, CASE `status` WHEN 'provisioning' THEN 'made' ELSE 'current' END, `database_host`, `created_at`, `updated_at` FROM `tenants`;
