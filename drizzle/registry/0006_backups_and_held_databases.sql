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
DROP INDEX `operations_tenant`;--> statement-breakpoint
CREATE INDEX `operations_tenant` ON `operations` (`tenant_id`,`created_at`,`id`);