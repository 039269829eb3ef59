// The checkout on Restate: a workflow whose key is the idempotency key, a virtual object for the
// stock of each product and one for the payment of each order. All state is Restate's own. It
// listens on PORT for the server.
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const PRICE = 1999; // minor units
const PIECES = 1_000_000; // of each product

const nothingSold = { available: PIECES, reserved: 0, committed: 0 };

// Ends the hold of an order, if there is one, and moves its pieces to `part`.
async function endHold(context, orderId, part) {
  const held = await context.get(`hold:${orderId}`);
  if (held === null) return;
  const stock = await context.get("stock");
  stock.reserved -= held;
  stock[part] += held;
  context.set("stock", stock);
  context.clear(`hold:${orderId}`);
}

const inventory = restate.object({
  name: "inventory",
  handlers: {
    reserve: async (context, { orderId, quantity }) => {
      const stock = (await context.get("stock")) ?? { ...nothingSold };
      if (stock.available < quantity) throw new restate.TerminalError("out of stock");
      stock.available -= quantity;
      stock.reserved += quantity;
      context.set("stock", stock);
      context.set(`hold:${orderId}`, quantity);
    },
    commit: (context, { orderId }) => endHold(context, orderId, "committed"),
    release: (context, { orderId }) => endHold(context, orderId, "available"),
  },
});

const payment = restate.object({
  name: "payment",
  handlers: {
    charge: async (context, { customerId, amount, currency, token }) => {
      if (token !== "tok_ok") throw new restate.TerminalError("declined");
      const transactionId = `tx_${context.rand.uuidv4()}`;
      context.set("payment", { customerId, amount, currency, transactionId });
      context.set("ledger", [
        { line: 1, account: "provider", currency, minorUnits: amount },
        { line: 2, account: "sales", currency, minorUnits: -amount },
      ]);
      return transactionId;
    },
  },
});

const checkout = restate.workflow({
  name: "checkout",
  handlers: {
    run: async (context, { customerId, sku, quantity, token, currencyCode }) => {
      const orderId = context.rand.uuidv4();
      const total = quantity * PRICE;
      const order = { orderId, customerId, sku, quantity, total, status: "PENDING" };
      context.set("order", order);
      const shelf = context.objectClient(inventory, sku);
      let held = false;
      try {
        await shelf.reserve({ orderId, quantity });
        held = true;
        const till = context.objectClient(payment, orderId);
        const charge = { customerId, amount: total, currency: currencyCode, token };
        order.transactionId = await till.charge(charge);
        order.status = "PAID";
        context.set("order", order);
        await shelf.commit({ orderId });
      } catch (error) {
        if (!(error instanceof restate.TerminalError)) throw error;
        if (held) await shelf.release({ orderId });
        order.status = "REJECTED";
        context.set("order", order);
        return { orderId, status: order.status };
      }
      order.status = "CONFIRMED";
      context.set("order", order);
      return { orderId, status: order.status };
    },
  },
});

const handler = restate.createEndpointHandler({ services: [inventory, payment, checkout] });
createServer(handler).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
