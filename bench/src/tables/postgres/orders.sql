create table orders (
  id uuid primary key,
  idempotency_key text not null unique,
  customer_id uuid not null,
  sku text not null,
  quantity bigint not null,
  total_minor bigint not null,
  currency text not null,
  status text not null,
  step text not null,
  transaction_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
