create table sandbox_charges (
  charge_key blob primary key,
  reference blob not null,
  amount integer not null,
  currency text not null,
  transaction_id text not null,
  created_at real not null default (unixepoch('subsec'))
) strict;
create table payments (
  order_id blob primary key,
  customer_id blob not null,
  amount integer not null,
  currency text not null,
  transaction_id text not null unique,
  created_at real not null default (unixepoch('subsec'))
) strict;
create table ledger_transactions (
  id blob primary key,
  order_id blob not null,
  kind text not null,
  at real not null default (unixepoch('subsec')),
  unique (order_id, kind)
) strict;
create table ledger_entries (
  transaction_id blob not null references ledger_transactions (id),
  line integer not null,
  account text not null,
  currency text not null,
  minor_units integer not null,
  primary key (transaction_id, line)
) strict;
