create table sandbox_charges (
  charge_key text primary key,
  reference uuid not null,
  amount bigint not null,
  currency text not null,
  transaction_id text not null,
  created_at timestamptz not null default now()
);
create table payments (
  order_id uuid primary key,
  customer_id uuid not null,
  amount bigint not null,
  currency text not null,
  transaction_id text not null unique,
  created_at timestamptz not null default now()
);
create table ledger_transactions (
  id uuid primary key,
  order_id uuid not null,
  kind text not null,
  at timestamptz not null default now(),
  unique (order_id, kind)
);
create table ledger_entries (
  transaction_id uuid not null references ledger_transactions (id),
  line int not null,
  account text not null,
  currency text not null,
  minor_units bigint not null,
  primary key (transaction_id, line)
);
