drop trigger audit_entries_record;
--> statement-breakpoint
drop trigger tenants_audit_insert;
--> statement-breakpoint
drop trigger tenants_audit_update;
--> statement-breakpoint
drop trigger tenants_audit_delete;
--> statement-breakpoint
drop trigger tenant_users_audit_insert;
--> statement-breakpoint
drop trigger tenant_users_audit_update;
--> statement-breakpoint
drop trigger tenant_users_audit_delete;
--> statement-breakpoint
drop trigger platform_admins_audit_insert;
--> statement-breakpoint
drop trigger platform_admins_audit_update;
--> statement-breakpoint
drop trigger platform_admins_audit_delete;
--> statement-breakpoint
drop view audit_entries;
--> statement-breakpoint
create view audit_entries as select '' as entity, '' as entity_id, '' as action, '' as names, '' as old_row, '' as new_row, '' as secrets;
--> statement-breakpoint
create trigger audit_entries_record instead of insert on audit_entries begin insert into audit_logs (transaction_id, request_id, account_id, ip, user_agent, reason, actor_type, actor_id, entity, entity_id, action, changes, at) select transaction_id, request_id, account_id, ip, user_agent, reason, coalesce(actor_type, 'system'), coalesce(actor_id, 'system'), new.entity, new.entity_id, new.action, changes, cast(unixepoch('subsec') * 1000 as integer) from (select json_group_object(name, json_object('old', iif(o is not null and instr(new.secrets, ',' || name || ','), '[redacted]', o), 'new', iif(n is not null and instr(new.secrets, ',' || name || ','), '[redacted]', n))) as changes from (select value as name, json_extract(new.old_row, '$[' || key || ']') as o, json_extract(new.new_row, '$[' || key || ']') as n from json_each(new.names) where o is not n)) left join audit_context on id = 1 where changes <> '{}' or new.action <> 'UPDATE'; end;
--> statement-breakpoint
create trigger tenants_audit_insert after insert on tenants begin insert into audit_entries values ('tenants', new."id", 'INSERT', '["id","slug","name","status","plan","region","database_name","database_host","sealed_token","token_expires_at","schema_version","features","limits","organization_id","metadata","version","created_at","updated_at"]', '[]', json_array(new."id", new."slug", new."name", new."status", new."plan", new."region", new."database_name", new."database_host", new."sealed_token", new."token_expires_at", new."schema_version", new."features", new."limits", new."organization_id", new."metadata", new."version", new."created_at", new."updated_at"), ',sealed_token,'); end;
--> statement-breakpoint
create trigger tenants_audit_update after update on tenants begin insert into audit_entries values ('tenants', new."id", 'UPDATE', '["id","slug","name","status","plan","region","database_name","database_host","sealed_token","token_expires_at","schema_version","features","limits","organization_id","metadata","version","created_at","updated_at"]', json_array(old."id", old."slug", old."name", old."status", old."plan", old."region", old."database_name", old."database_host", old."sealed_token", old."token_expires_at", old."schema_version", old."features", old."limits", old."organization_id", old."metadata", old."version", old."created_at", old."updated_at"), json_array(new."id", new."slug", new."name", new."status", new."plan", new."region", new."database_name", new."database_host", new."sealed_token", new."token_expires_at", new."schema_version", new."features", new."limits", new."organization_id", new."metadata", new."version", new."created_at", new."updated_at"), ',sealed_token,'); end;
--> statement-breakpoint
create trigger tenants_audit_delete after delete on tenants begin insert into audit_entries values ('tenants', old."id", 'DELETE', '["id","slug","name","status","plan","region","database_name","database_host","sealed_token","token_expires_at","schema_version","features","limits","organization_id","metadata","version","created_at","updated_at"]', json_array(old."id", old."slug", old."name", old."status", old."plan", old."region", old."database_name", old."database_host", old."sealed_token", old."token_expires_at", old."schema_version", old."features", old."limits", old."organization_id", old."metadata", old."version", old."created_at", old."updated_at"), '[]', ',sealed_token,'); end;
--> statement-breakpoint
create trigger tenant_users_audit_insert after insert on tenant_users begin insert into audit_entries values ('tenant_users', new."issuer" || ':' || new."subject" || ':' || new."tenant_id", 'INSERT', '["issuer","subject","tenant_id","role","account_role","status","created_at"]', '[]', json_array(new."issuer", new."subject", new."tenant_id", new."role", new."account_role", new."status", new."created_at"), ''); end;
--> statement-breakpoint
create trigger tenant_users_audit_update after update on tenant_users begin insert into audit_entries values ('tenant_users', new."issuer" || ':' || new."subject" || ':' || new."tenant_id", 'UPDATE', '["issuer","subject","tenant_id","role","account_role","status","created_at"]', json_array(old."issuer", old."subject", old."tenant_id", old."role", old."account_role", old."status", old."created_at"), json_array(new."issuer", new."subject", new."tenant_id", new."role", new."account_role", new."status", new."created_at"), ''); end;
--> statement-breakpoint
create trigger tenant_users_audit_delete after delete on tenant_users begin insert into audit_entries values ('tenant_users', old."issuer" || ':' || old."subject" || ':' || old."tenant_id", 'DELETE', '["issuer","subject","tenant_id","role","account_role","status","created_at"]', json_array(old."issuer", old."subject", old."tenant_id", old."role", old."account_role", old."status", old."created_at"), '[]', ''); end;
--> statement-breakpoint
create trigger platform_admins_audit_insert after insert on platform_admins begin insert into audit_entries values ('platform_admins', new."issuer" || ':' || new."subject", 'INSERT', '["issuer","subject","active","created_at"]', '[]', json_array(new."issuer", new."subject", new."active", new."created_at"), ''); end;
--> statement-breakpoint
create trigger platform_admins_audit_update after update on platform_admins begin insert into audit_entries values ('platform_admins', new."issuer" || ':' || new."subject", 'UPDATE', '["issuer","subject","active","created_at"]', json_array(old."issuer", old."subject", old."active", old."created_at"), json_array(new."issuer", new."subject", new."active", new."created_at"), ''); end;
--> statement-breakpoint
create trigger platform_admins_audit_delete after delete on platform_admins begin insert into audit_entries values ('platform_admins', old."issuer" || ':' || old."subject", 'DELETE', '["issuer","subject","active","created_at"]', json_array(old."issuer", old."subject", old."active", old."created_at"), '[]', ''); end;
