-- What one would write by hand to import into PostgreSQL: find by e-mail address, then by phone number; change or add;
-- one round trip, one transaction. It knows two keys, no matching modes and no subscriptions, and two clients that add
-- the same person at once may leave a profile that no key leads to.
create table profiles (
    id bigint generated always as identity primary key,
    document jsonb not null
);

create table keys (
    kind smallint,
    key text,
    profile bigint not null references profiles,
    primary key (kind, key)
);

create function import(email text, phone text, data jsonb) returns bigint language plpgsql as $$
declare
    found_id bigint;
begin
    select profile into found_id from keys where kind = 1 and key = lower(email);
    if found_id is null then
        select profile into found_id from keys where kind = 2 and key = phone;
    end if;
    if found_id is null then
        insert into profiles (document) values (data) returning id into found_id;
    else
        update profiles set document = document || data where id = found_id;
    end if;
    insert into keys values (1, lower(email), found_id), (2, phone, found_id) on conflict do nothing;
    return found_id;
end
$$;
