create table orders (
  id blob primary key,
  idempotency_key text not null unique,
  customer_id blob not null,
  sku text not null,
  quantity integer not null,
  total_minor integer not null,
  currency text not null,
  status text not null,
  step text not null,
  transaction_id text,
  created_at real not null default (unixepoch('subsec')),
  updated_at real not null default (unixepoch('subsec'))
) strict;
