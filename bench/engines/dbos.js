// The checkout on DBOS: a workflow whose id is the idempotency key, and a step for each commit in
// the tables of bench/src/tables/postgres. A step may run again after a crash, so each statement
// finds its effect done. It listens on PORT and keeps everything on the server at POSTGRES.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";

const PRICE = 1999; // minor units
const CONNECTIONS = 10; // to each database

const { POSTGRES, PORT } = process.env;
const database = (name) => new pg.Pool({ connectionString: `${POSTGRES}/${name}`, max: CONNECTIONS });
const [orders, inventory, payment] = ["orders", "inventory", "payment"].map(database);

// A statement with a name is prepared once for each connection.
const statement = (pool, name, text) => async (...values) => (await pool.query({ name, text, values })).rows[0];

const accept = statement(orders, "accept", `
  with made as (
    insert into orders
      (id, idempotency_key, customer_id, sku, quantity, total_minor, currency, status, step)
    values ($1, $2, $3, $4, $5, $6, $7, 'PENDING', 'reserve')
    on conflict (idempotency_key) do nothing returning id
  )
  select id from made union all select id from orders where idempotency_key = $2 limit 1`);

const end = statement(orders, "end", `
  update orders set status = $2, step = 'done', transaction_id = $3, updated_at = now()
  where id = $1`);

const reserve = statement(inventory, "reserve", `
  with level as (
    update stock_levels set available = available - $3, reserved = reserved + $3
    where sku = $2 and available >= $3
      and not exists (select 1 from reservations where order_id = $1)
    returning sku
  ), held as (
    insert into reservations (order_id, sku, quantity, state)
    select $1, sku, $3, 'RESERVED' from level returning order_id
  )
  select exists (select 1 from held)
    or exists (select 1 from reservations where order_id = $1) as held`);

const commit = statement(inventory, "commit", `
  with final as (
    update reservations set state = 'COMMITTED', updated_at = now()
    where order_id = $1 and state = 'RESERVED' returning sku, quantity
  )
  update stock_levels
  set reserved = reserved - final.quantity, committed = committed + final.quantity
  from final where stock_levels.sku = final.sku`);

const charge = statement(payment, "charge", `
  with paid as (
    insert into payments (order_id, customer_id, amount, currency, transaction_id)
    values ($1, $2, $3, $4, $5) on conflict do nothing returning order_id, amount, currency
  ), booked as (
    insert into ledger_transactions (id, order_id, kind)
    select order_id, order_id, 'charge' from paid returning id
  )
  insert into ledger_entries (transaction_id, line, account, currency, minor_units)
  select booked.id, lines.line, lines.account, paid.currency, lines.sign * paid.amount
  from paid, booked, (values (1, 'provider', 1), (2, 'sales', -1)) as lines (line, account, sign)`);

const step = (name, work) => DBOS.runStep(work, { name });

async function steps(key, { customerId, sku, quantity, currencyCode }) {
  const total = quantity * PRICE;
  const { id } = await step("createOrder", () =>
    accept(randomUUID(), key, customerId, sku, quantity, total, currencyCode));
  const { held } = await step("reserveStock", () => reserve(id, sku, quantity));
  if (!held) {
    await step("rejectOrder", () => end(id, "REJECTED", null));
    return { orderId: id, status: "REJECTED" };
  }
  const transaction = `tx_${id}`;
  await step("charge", () => charge(id, customerId, total, currencyCode, transaction));
  await step("commitStock", () => commit(id));
  await step("confirmOrder", () => end(id, "CONFIRMED", transaction));
  return { orderId: id, status: "CONFIRMED" };
}

const checkout = DBOS.registerWorkflow(steps, { name: "checkout" });

async function answer(request) {
  const key = request.headers["idempotency-key"];
  const message = JSON.parse(await text(request));
  const handle = await DBOS.startWorkflow(checkout, { workflowID: key })(key, message);
  return JSON.stringify(await handle.getResult());
}

DBOS.setConfig({
  name: "shop",
  systemDatabaseUrl: `${POSTGRES}/dbos`,
  logLevel: "warn",
  runAdminServer: false,
});
await DBOS.launch();
const server = createServer((request, response) => {
  answer(request).then(
    (body) => response.writeHead(200, { "content-type": "application/json" }).end(body),
    (error) => response.writeHead(500).end(String(error)),
  );
});
server.keepAliveTimeout = 60_000; // customers come back
server.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
