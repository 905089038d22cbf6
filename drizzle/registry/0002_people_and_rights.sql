CREATE TABLE `audit_heads` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`sequence` integer DEFAULT 0 NOT NULL,
	`links` integer DEFAULT 0 NOT NULL,
	`mac` text DEFAULT '' NOT NULL,
	`sealed_at` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `audit_heads_sealed` ON `audit_heads` (`sealed_at`);--> statement-breakpoint
INSERT INTO `audit_heads` (`tenant_id`) SELECT `id` FROM `tenants`;--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`fingerprint` text NOT NULL,
	`results` text NOT NULL,
	`expires_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `idempotency_keys_expiry` ON `idempotency_keys` (`expires_at`);--> statement-breakpoint
ALTER TABLE `audit_context` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `audit_logs` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `tenants` ADD `organization_id` text;--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_organization` ON `tenants` (`organization_id`);--> statement-breakpoint
CREATE INDEX `tenants_created` ON `tenants` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `tenants_name` ON `tenants` (`name`,`id`);