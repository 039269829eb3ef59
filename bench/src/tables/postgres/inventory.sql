create table stock_levels (
  sku text primary key,
  available bigint not null check (available >= 0),
  reserved bigint not null check (reserved >= 0),
  committed bigint not null check (committed >= 0),
  received bigint not null,
  check (available + reserved + committed = received)
);
create table reservations (
  order_id uuid primary key,
  sku text not null,
  quantity bigint not null check (quantity > 0),
  state text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
insert into stock_levels
select 'SKU-' || lpad(number::text, 3, '0'), 1000000, 0, 0, 1000000
from generate_series(0, 199) as number;
