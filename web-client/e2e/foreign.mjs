// A purchase with connect-node over every protocol it speaks, from the exported
// descriptors alone: node foreign.mjs ORIGIN DESCRIPTORS. Prints a line of JSON for each.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';

const [baseUrl, descriptors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

const transports = {
  'connect json 1.1': () => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  'connect proto 1.1 get': () => createConnectTransport({ baseUrl, httpVersion: '1.1', useHttpGet: true }),
  'connect proto 2': () => createConnectTransport({ baseUrl, httpVersion: '2' }),
  'grpc 2': () => createGrpcTransport({ baseUrl }),
  'grpc-web 1.1': () => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  'grpc-web 2': () => createGrpcWebTransport({ baseUrl, httpVersion: '2' }),
};

/** The code by which a call is refused. */
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
  return 'Ok';
}

async function purchase(transport) {
  const client = (name) => createClient(registry.getService(name), transport);
  const auth = client('stoa.user.v1.AuthService');
  const catalog = client('stoa.catalog.v1.CatalogService');
  const orders = client('stoa.order.v1.OrderService');
  const signed = await auth.signUp({
    name: 'Node Buyer',
    email: `${randomUUID()}@example.com`,
    password: 'a long enough password',
  });
  const headers = { authorization: `Bearer ${signed.tokens.accessToken}` };
  const { products } = await catalog.listProducts({ query: 'desk lamp' });
  const order = {
    customerId: signed.user.id,
    items: [{ sku: products[0].sku, quantity: 1 }],
    paymentMethod: { token: 'tok_ok' },
  };
  const keyed = { headers: { ...headers, 'idempotency-key': randomUUID() } };
  const { order: created } = await orders.createOrder(order, keyed);
  const { order: again } = await orders.createOrder(order, keyed);
  const watched = [];
  for await (const update of orders.watchOrderStatus({ orderId: created.id }, { headers })) {
    watched.push(update.status);
  }
  const declined = { ...order, paymentMethod: { token: 'tok_declined' } };
  return {
    status: created.status,
    replayed: again.id === created.id,
    watched: watched.at(-1),
    declined: await refusal(() => orders.createOrder(declined, { headers })),
    invalid: await refusal(() => orders.createOrder({ customerId: 'x' }, { headers })),
    noToken: await refusal(() => orders.createOrder(order)),
    late: await refusal(() =>
      orders.createOrder({ ...order, paymentMethod: { token: 'tok_slow' } }, { headers, timeoutMs: 20 }),
    ),
    unknown: await refusal(() => orders.getOrder({ orderId: randomUUID() }, { headers })),
  };
}

for (const [name, make] of Object.entries(transports)) {
  console.log(JSON.stringify({ transport: name, ...(await purchase(make())) }));
}
process.exit(0); // HTTP/2 sessions would keep the process for their idle time
