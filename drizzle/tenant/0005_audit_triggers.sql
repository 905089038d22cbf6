drop trigger tenant_identity_audit_insert;
--> statement-breakpoint
drop trigger tenant_identity_audit_update;
--> statement-breakpoint
drop trigger tenant_identity_audit_delete;
--> statement-breakpoint
create trigger tenant_identity_audit_insert after insert on tenant_identity begin insert into audit_entries values ('tenant_identity', new."id", 'INSERT', '["id","tenant_id","slug","name","status","default_account_id","held_at","version","created_at","updated_at","updated_by"]', '[]', json_array(new."id", new."tenant_id", new."slug", new."name", new."status", new."default_account_id", new."held_at", new."version", new."created_at", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger tenant_identity_audit_update after update on tenant_identity begin insert into audit_entries values ('tenant_identity', new."id", 'UPDATE', '["id","tenant_id","slug","name","status","default_account_id","held_at","version","created_at","updated_at","updated_by"]', json_array(old."id", old."tenant_id", old."slug", old."name", old."status", old."default_account_id", old."held_at", old."version", old."created_at", old."updated_at", old."updated_by"), json_array(new."id", new."tenant_id", new."slug", new."name", new."status", new."default_account_id", new."held_at", new."version", new."created_at", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger tenant_identity_audit_delete after delete on tenant_identity begin insert into audit_entries values ('tenant_identity', old."id", 'DELETE', '["id","tenant_id","slug","name","status","default_account_id","held_at","version","created_at","updated_at","updated_by"]', json_array(old."id", old."tenant_id", old."slug", old."name", old."status", old."default_account_id", old."held_at", old."version", old."created_at", old."updated_at", old."updated_by"), '[]', ''); end;
