drop trigger audit_entries_record;
--> statement-breakpoint
drop trigger tenant_identity_audit_insert;
--> statement-breakpoint
drop trigger tenant_identity_audit_update;
--> statement-breakpoint
drop trigger tenant_identity_audit_delete;
--> statement-breakpoint
drop trigger users_audit_insert;
--> statement-breakpoint
drop trigger users_audit_update;
--> statement-breakpoint
drop trigger users_audit_delete;
--> statement-breakpoint
drop trigger accounts_audit_insert;
--> statement-breakpoint
drop trigger accounts_audit_update;
--> statement-breakpoint
drop trigger accounts_audit_delete;
--> statement-breakpoint
drop trigger account_members_audit_insert;
--> statement-breakpoint
drop trigger account_members_audit_update;
--> statement-breakpoint
drop trigger account_members_audit_delete;
--> statement-breakpoint
drop trigger settings_audit_insert;
--> statement-breakpoint
drop trigger settings_audit_update;
--> statement-breakpoint
drop trigger settings_audit_delete;
--> statement-breakpoint
drop view audit_entries;
--> statement-breakpoint
create view audit_entries as select '' as entity, '' as entity_id, '' as action, '' as names, '' as old_row, '' as new_row, '' as secrets;
--> statement-breakpoint
create trigger audit_entries_record instead of insert on audit_entries begin insert into audit_logs (transaction_id, request_id, account_id, ip, user_agent, reason, actor_type, actor_id, entity, entity_id, action, changes, at) select transaction_id, request_id, account_id, ip, user_agent, reason, coalesce(actor_type, 'system'), coalesce(actor_id, 'system'), new.entity, new.entity_id, new.action, changes, cast(unixepoch('subsec') * 1000 as integer) from (select json_group_object(name, json_object('old', iif(o is not null and instr(new.secrets, ',' || name || ','), '[redacted]', o), 'new', iif(n is not null and instr(new.secrets, ',' || name || ','), '[redacted]', n))) as changes from (select value as name, json_extract(new.old_row, '$[' || key || ']') as o, json_extract(new.new_row, '$[' || key || ']') as n from json_each(new.names) where o is not n)) left join audit_context on id = 1 where changes <> '{}' or new.action <> 'UPDATE'; end;
--> statement-breakpoint
create trigger tenant_identity_audit_insert after insert on tenant_identity begin insert into audit_entries values ('tenant_identity', new."id", 'INSERT', '["id","tenant_id","slug","name","status","default_account_id","version","created_at","updated_at","updated_by"]', '[]', json_array(new."id", new."tenant_id", new."slug", new."name", new."status", new."default_account_id", new."version", new."created_at", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger tenant_identity_audit_update after update on tenant_identity begin insert into audit_entries values ('tenant_identity', new."id", 'UPDATE', '["id","tenant_id","slug","name","status","default_account_id","version","created_at","updated_at","updated_by"]', json_array(old."id", old."tenant_id", old."slug", old."name", old."status", old."default_account_id", old."version", old."created_at", old."updated_at", old."updated_by"), json_array(new."id", new."tenant_id", new."slug", new."name", new."status", new."default_account_id", new."version", new."created_at", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger tenant_identity_audit_delete after delete on tenant_identity begin insert into audit_entries values ('tenant_identity', old."id", 'DELETE', '["id","tenant_id","slug","name","status","default_account_id","version","created_at","updated_at","updated_by"]', json_array(old."id", old."tenant_id", old."slug", old."name", old."status", old."default_account_id", old."version", old."created_at", old."updated_at", old."updated_by"), '[]', ''); end;
--> statement-breakpoint
create trigger users_audit_insert after insert on users begin insert into audit_entries values ('users', new."id", 'INSERT', '["id","email","name","profile_image","status","tenant_role","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by","signed_out_at"]', '[]', json_array(new."id", new."email", new."name", new."profile_image", new."status", new."tenant_role", new."version", new."created_at", new."updated_at", new."created_by", new."updated_by", new."deleted_at", new."deleted_by", new."signed_out_at"), ''); end;
--> statement-breakpoint
create trigger users_audit_update after update on users begin insert into audit_entries values ('users', new."id", 'UPDATE', '["id","email","name","profile_image","status","tenant_role","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by","signed_out_at"]', json_array(old."id", old."email", old."name", old."profile_image", old."status", old."tenant_role", old."version", old."created_at", old."updated_at", old."created_by", old."updated_by", old."deleted_at", old."deleted_by", old."signed_out_at"), json_array(new."id", new."email", new."name", new."profile_image", new."status", new."tenant_role", new."version", new."created_at", new."updated_at", new."created_by", new."updated_by", new."deleted_at", new."deleted_by", new."signed_out_at"), ''); end;
--> statement-breakpoint
create trigger users_audit_delete after delete on users begin insert into audit_entries values ('users', old."id", 'DELETE', '["id","email","name","profile_image","status","tenant_role","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by","signed_out_at"]', json_array(old."id", old."email", old."name", old."profile_image", old."status", old."tenant_role", old."version", old."created_at", old."updated_at", old."created_by", old."updated_by", old."deleted_at", old."deleted_by", old."signed_out_at"), '[]', ''); end;
--> statement-breakpoint
create trigger user_identities_audit_insert after insert on user_identities begin insert into audit_entries values ('user_identities', new."issuer" || ':' || new."subject", 'INSERT', '["id","issuer","subject","user_id","email","created_at"]', '[]', json_array(new."id", new."issuer", new."subject", new."user_id", new."email", new."created_at"), ''); end;
--> statement-breakpoint
create trigger user_identities_audit_update after update on user_identities begin insert into audit_entries values ('user_identities', new."issuer" || ':' || new."subject", 'UPDATE', '["id","issuer","subject","user_id","email","created_at"]', json_array(old."id", old."issuer", old."subject", old."user_id", old."email", old."created_at"), json_array(new."id", new."issuer", new."subject", new."user_id", new."email", new."created_at"), ''); end;
--> statement-breakpoint
create trigger user_identities_audit_delete after delete on user_identities begin insert into audit_entries values ('user_identities', old."issuer" || ':' || old."subject", 'DELETE', '["id","issuer","subject","user_id","email","created_at"]', json_array(old."id", old."issuer", old."subject", old."user_id", old."email", old."created_at"), '[]', ''); end;
--> statement-breakpoint
create trigger user_profiles_audit_insert after insert on user_profiles begin insert into audit_entries values ('user_profiles', new."user_id", 'INSERT', '["user_id","job_title","department","phone","bio","locale","time_zone","version","updated_at","updated_by"]', '[]', json_array(new."user_id", new."job_title", new."department", new."phone", new."bio", new."locale", new."time_zone", new."version", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger user_profiles_audit_update after update on user_profiles begin insert into audit_entries values ('user_profiles', new."user_id", 'UPDATE', '["user_id","job_title","department","phone","bio","locale","time_zone","version","updated_at","updated_by"]', json_array(old."user_id", old."job_title", old."department", old."phone", old."bio", old."locale", old."time_zone", old."version", old."updated_at", old."updated_by"), json_array(new."user_id", new."job_title", new."department", new."phone", new."bio", new."locale", new."time_zone", new."version", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger user_profiles_audit_delete after delete on user_profiles begin insert into audit_entries values ('user_profiles', old."user_id", 'DELETE', '["user_id","job_title","department","phone","bio","locale","time_zone","version","updated_at","updated_by"]', json_array(old."user_id", old."job_title", old."department", old."phone", old."bio", old."locale", old."time_zone", old."version", old."updated_at", old."updated_by"), '[]', ''); end;
--> statement-breakpoint
create trigger user_sessions_audit_insert after insert on user_sessions begin insert into audit_entries values ('user_sessions', new."id", 'INSERT', '["id","user_id","sid","first_seen_at","revoked_at","revoked_by"]', '[]', json_array(new."id", new."user_id", new."sid", new."first_seen_at", new."revoked_at", new."revoked_by"), ''); end;
--> statement-breakpoint
create trigger user_sessions_audit_update after update on user_sessions begin insert into audit_entries values ('user_sessions', new."id", 'UPDATE', '["id","user_id","sid","first_seen_at","revoked_at","revoked_by"]', json_array(old."id", old."user_id", old."sid", old."first_seen_at", old."revoked_at", old."revoked_by"), json_array(new."id", new."user_id", new."sid", new."first_seen_at", new."revoked_at", new."revoked_by"), ''); end;
--> statement-breakpoint
create trigger user_sessions_audit_delete after delete on user_sessions begin insert into audit_entries values ('user_sessions', old."id", 'DELETE', '["id","user_id","sid","first_seen_at","revoked_at","revoked_by"]', json_array(old."id", old."user_id", old."sid", old."first_seen_at", old."revoked_at", old."revoked_by"), '[]', ''); end;
--> statement-breakpoint
create trigger accounts_audit_insert after insert on accounts begin insert into audit_entries values ('accounts', new."id", 'INSERT', '["id","name","description","domain","settings","active","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by"]', '[]', json_array(new."id", new."name", new."description", new."domain", new."settings", new."active", new."version", new."created_at", new."updated_at", new."created_by", new."updated_by", new."deleted_at", new."deleted_by"), ''); end;
--> statement-breakpoint
create trigger accounts_audit_update after update on accounts begin insert into audit_entries values ('accounts', new."id", 'UPDATE', '["id","name","description","domain","settings","active","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by"]', json_array(old."id", old."name", old."description", old."domain", old."settings", old."active", old."version", old."created_at", old."updated_at", old."created_by", old."updated_by", old."deleted_at", old."deleted_by"), json_array(new."id", new."name", new."description", new."domain", new."settings", new."active", new."version", new."created_at", new."updated_at", new."created_by", new."updated_by", new."deleted_at", new."deleted_by"), ''); end;
--> statement-breakpoint
create trigger accounts_audit_delete after delete on accounts begin insert into audit_entries values ('accounts', old."id", 'DELETE', '["id","name","description","domain","settings","active","version","created_at","updated_at","created_by","updated_by","deleted_at","deleted_by"]', json_array(old."id", old."name", old."description", old."domain", old."settings", old."active", old."version", old."created_at", old."updated_at", old."created_by", old."updated_by", old."deleted_at", old."deleted_by"), '[]', ''); end;
--> statement-breakpoint
create trigger account_members_audit_insert after insert on account_members begin insert into audit_entries values ('account_members', new."account_id" || ':' || new."user_id", 'INSERT', '["account_id","user_id","role","created_at","version"]', '[]', json_array(new."account_id", new."user_id", new."role", new."created_at", new."version"), ''); end;
--> statement-breakpoint
create trigger account_members_audit_update after update on account_members begin insert into audit_entries values ('account_members', new."account_id" || ':' || new."user_id", 'UPDATE', '["account_id","user_id","role","created_at","version"]', json_array(old."account_id", old."user_id", old."role", old."created_at", old."version"), json_array(new."account_id", new."user_id", new."role", new."created_at", new."version"), ''); end;
--> statement-breakpoint
create trigger account_members_audit_delete after delete on account_members begin insert into audit_entries values ('account_members', old."account_id" || ':' || old."user_id", 'DELETE', '["account_id","user_id","role","created_at","version"]', json_array(old."account_id", old."user_id", old."role", old."created_at", old."version"), '[]', ''); end;
--> statement-breakpoint
create trigger api_keys_audit_insert after insert on api_keys begin insert into audit_entries values ('api_keys', new."id", 'INSERT', '["id","name","hint","hash","scopes","owner_id","account_id","replaced_by","created_at","created_by","expires_at","revoked_at","revoked_by"]', '[]', json_array(new."id", new."name", new."hint", new."hash", new."scopes", new."owner_id", new."account_id", new."replaced_by", new."created_at", new."created_by", new."expires_at", new."revoked_at", new."revoked_by"), ',hash,'); end;
--> statement-breakpoint
create trigger api_keys_audit_update after update on api_keys begin insert into audit_entries values ('api_keys', new."id", 'UPDATE', '["id","name","hint","hash","scopes","owner_id","account_id","replaced_by","created_at","created_by","expires_at","revoked_at","revoked_by"]', json_array(old."id", old."name", old."hint", old."hash", old."scopes", old."owner_id", old."account_id", old."replaced_by", old."created_at", old."created_by", old."expires_at", old."revoked_at", old."revoked_by"), json_array(new."id", new."name", new."hint", new."hash", new."scopes", new."owner_id", new."account_id", new."replaced_by", new."created_at", new."created_by", new."expires_at", new."revoked_at", new."revoked_by"), ',hash,'); end;
--> statement-breakpoint
create trigger api_keys_audit_delete after delete on api_keys begin insert into audit_entries values ('api_keys', old."id", 'DELETE', '["id","name","hint","hash","scopes","owner_id","account_id","replaced_by","created_at","created_by","expires_at","revoked_at","revoked_by"]', json_array(old."id", old."name", old."hint", old."hash", old."scopes", old."owner_id", old."account_id", old."replaced_by", old."created_at", old."created_by", old."expires_at", old."revoked_at", old."revoked_by"), '[]', ',hash,'); end;
--> statement-breakpoint
create trigger invitations_audit_insert after insert on invitations begin insert into audit_entries values ('invitations', new."id", 'INSERT', '["id","email","name","tenant_role","account_id","account_role","user_id","inviter_id","token_hash","issued_at","state","expires_at","sent_at","accepted_at","accepted_by","created_at","updated_at","created_by","updated_by"]', '[]', json_array(new."id", new."email", new."name", new."tenant_role", new."account_id", new."account_role", new."user_id", new."inviter_id", new."token_hash", new."issued_at", new."state", new."expires_at", new."sent_at", new."accepted_at", new."accepted_by", new."created_at", new."updated_at", new."created_by", new."updated_by"), ',token_hash,'); end;
--> statement-breakpoint
create trigger invitations_audit_update after update on invitations begin insert into audit_entries values ('invitations', new."id", 'UPDATE', '["id","email","name","tenant_role","account_id","account_role","user_id","inviter_id","token_hash","issued_at","state","expires_at","sent_at","accepted_at","accepted_by","created_at","updated_at","created_by","updated_by"]', json_array(old."id", old."email", old."name", old."tenant_role", old."account_id", old."account_role", old."user_id", old."inviter_id", old."token_hash", old."issued_at", old."state", old."expires_at", old."sent_at", old."accepted_at", old."accepted_by", old."created_at", old."updated_at", old."created_by", old."updated_by"), json_array(new."id", new."email", new."name", new."tenant_role", new."account_id", new."account_role", new."user_id", new."inviter_id", new."token_hash", new."issued_at", new."state", new."expires_at", new."sent_at", new."accepted_at", new."accepted_by", new."created_at", new."updated_at", new."created_by", new."updated_by"), ',token_hash,'); end;
--> statement-breakpoint
create trigger invitations_audit_delete after delete on invitations begin insert into audit_entries values ('invitations', old."id", 'DELETE', '["id","email","name","tenant_role","account_id","account_role","user_id","inviter_id","token_hash","issued_at","state","expires_at","sent_at","accepted_at","accepted_by","created_at","updated_at","created_by","updated_by"]', json_array(old."id", old."email", old."name", old."tenant_role", old."account_id", old."account_role", old."user_id", old."inviter_id", old."token_hash", old."issued_at", old."state", old."expires_at", old."sent_at", old."accepted_at", old."accepted_by", old."created_at", old."updated_at", old."created_by", old."updated_by"), '[]', ',token_hash,'); end;
--> statement-breakpoint
create trigger access_grants_audit_insert after insert on access_grants begin insert into audit_entries values ('access_grants', new."id", 'INSERT', '["id","issuer","subject","email","reason","mode","created_at","expires_at","ended_at","ended_by"]', '[]', json_array(new."id", new."issuer", new."subject", new."email", new."reason", new."mode", new."created_at", new."expires_at", new."ended_at", new."ended_by"), ''); end;
--> statement-breakpoint
create trigger access_grants_audit_update after update on access_grants begin insert into audit_entries values ('access_grants', new."id", 'UPDATE', '["id","issuer","subject","email","reason","mode","created_at","expires_at","ended_at","ended_by"]', json_array(old."id", old."issuer", old."subject", old."email", old."reason", old."mode", old."created_at", old."expires_at", old."ended_at", old."ended_by"), json_array(new."id", new."issuer", new."subject", new."email", new."reason", new."mode", new."created_at", new."expires_at", new."ended_at", new."ended_by"), ''); end;
--> statement-breakpoint
create trigger access_grants_audit_delete after delete on access_grants begin insert into audit_entries values ('access_grants', old."id", 'DELETE', '["id","issuer","subject","email","reason","mode","created_at","expires_at","ended_at","ended_by"]', json_array(old."id", old."issuer", old."subject", old."email", old."reason", old."mode", old."created_at", old."expires_at", old."ended_at", old."ended_by"), '[]', ''); end;
--> statement-breakpoint
create trigger settings_audit_insert after insert on settings begin insert into audit_entries values ('settings', new."id", 'INSERT', '["id","value","version","updated_at","updated_by"]', '[]', json_array(new."id", new."value", new."version", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger settings_audit_update after update on settings begin insert into audit_entries values ('settings', new."id", 'UPDATE', '["id","value","version","updated_at","updated_by"]', json_array(old."id", old."value", old."version", old."updated_at", old."updated_by"), json_array(new."id", new."value", new."version", new."updated_at", new."updated_by"), ''); end;
--> statement-breakpoint
create trigger settings_audit_delete after delete on settings begin insert into audit_entries values ('settings', old."id", 'DELETE', '["id","value","version","updated_at","updated_by"]', json_array(old."id", old."value", old."version", old."updated_at", old."updated_by"), '[]', ''); end;
