create table stock_levels (
  sku text primary key,
  available integer not null check (available >= 0),
  reserved integer not null check (reserved >= 0),
  committed integer not null check (committed >= 0),
  received integer not null,
  check (available + reserved + committed = received)
) strict;
create table reservations (
  order_id blob primary key,
  sku text not null,
  quantity integer not null check (quantity > 0),
  state text not null,
  created_at real not null default (unixepoch('subsec')),
  updated_at real not null default (unixepoch('subsec'))
) strict;
with recursive numbers (number) as (
  select 0 union all select number + 1 from numbers where number < 199
)
insert into stock_levels
select printf('SKU-%03d', number), 1000000, 0, 0, 1000000 from numbers;
