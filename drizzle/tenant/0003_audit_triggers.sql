create trigger audit_logs_no_replace before insert on audit_logs when exists (select 1 from audit_logs where sequence = new.sequence) begin select raise(abort, 'audit_logs is append-only'); end;
