DROP INDEX `audit_logs_entity`;--> statement-breakpoint
DROP INDEX `audit_logs_actor`;--> statement-breakpoint
CREATE INDEX `audit_logs_entity_id` ON `audit_logs` (`entity_id`,`entity`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_request` ON `audit_logs` (`request_id`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_entity` ON `audit_logs` (`entity`,`at`);--> statement-breakpoint
CREATE INDEX `audit_logs_actor` ON `audit_logs` (`actor_id`,`at`);