CREATE TABLE `platform_admins` (
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`active` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`issuer`, `subject`)
) STRICT;
--> statement-breakpoint
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
CREATE TABLE `tenant_users` (
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`tenant_id` text NOT NULL,
	`role` text NOT NULL,
	`account_role` text,
	`status` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`issuer`, `subject`, `tenant_id`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `tenant_users_tenant` ON `tenant_users` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `operation_steps` (
	`operation_id` text NOT NULL,
	`position` integer NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`finished_at` integer,
	PRIMARY KEY(`operation_id`, `position`),
	FOREIGN KEY (`operation_id`) REFERENCES `operations`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE TABLE `operations` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`tenant_id` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`status` text NOT NULL,
	`input` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `operations_tenant` ON `operations` (`tenant_id`);--> statement-breakpoint
CREATE INDEX `operations_status` ON `operations` (`status`,`lease_until`);--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`plan` text DEFAULT 'basic' NOT NULL,
	`region` text,
	`database_name` text NOT NULL,
	`database_host` text,
	`sealed_token` text,
	`token_expires_at` integer,
	`schema_version` integer DEFAULT 0 NOT NULL,
	`features` text DEFAULT '{}' NOT NULL,
	`limits` text DEFAULT '{}' NOT NULL,
	`metadata` text DEFAULT '{}' NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_slug` ON `tenants` (`slug`);--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_database` ON `tenants` (`database_name`);--> statement-breakpoint
CREATE INDEX `tenants_schema_version` ON `tenants` (`schema_version`);