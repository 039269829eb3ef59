"""A purchase with grpcio, from the exported descriptors alone: no generated code.

    purchase.py HOST:PORT DESCRIPTORS

Prints one line of JSON with what it saw.
"""

import json
import pathlib
import sys
import uuid

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Suite:
    """Every rpc of the descriptors, on one channel."""

    def __init__(self, address, descriptors):
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(descriptors).read_bytes())
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)
        self.channel = grpc.insecure_channel(address)

    def call(self, path, token=None, timeout=20, key=None, **fields):
        service, name = path.rsplit("/", 1)
        method = self.pool.FindServiceByName(service).methods_by_name[name]
        request = message_factory.GetMessageClass(method.input_type)(**fields)
        answer = message_factory.GetMessageClass(method.output_type)
        metadata = [("authorization", f"Bearer {token}")] if token else []
        metadata += [("idempotency-key", key)] if key else []
        stream = method.server_streaming
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        rpc = make(
            f"/{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return rpc(request, timeout=timeout, metadata=metadata)


def refusal(call):
    """The status code by which a call is refused."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def main():
    address, descriptors = sys.argv[1:]
    suite = Suite(address, descriptors)
    signed = suite.call(
        "stoa.user.v1.AuthService/SignUp",
        name="Grpc Buyer",
        email=f"{uuid.uuid4()}@example.com",
        password="a long enough password",
    )
    token, customer = signed.tokens.access_token, signed.user.id
    found = suite.call("stoa.catalog.v1.CatalogService/ListProducts", query="desk lamp")
    order = {
        "customer_id": customer,
        "items": [{"sku": found.products[0].sku, "quantity": 1}],
        "payment_method": {"token": "tok_ok"},
    }
    create = "stoa.order.v1.OrderService/CreateOrder"
    key = str(uuid.uuid4())
    created = suite.call(create, token, key=key, **order).order
    again = suite.call(create, token, key=key, **order).order
    watch = suite.call("stoa.order.v1.OrderService/WatchOrderStatus", token, order_id=created.id)
    statuses = [update.status for update in watch]
    declined = {**order, "payment_method": {"token": "tok_declined"}}
    print(json.dumps({
        "status": created.status,
        "replayed": again.id == created.id,
        "watched": statuses[-1],
        "declined": refusal(lambda: suite.call(create, token, **declined)),
        "invalid": refusal(lambda: suite.call(create, token, customer_id="x")),
        "no_token": refusal(lambda: suite.call(create, **order)),
        "late": refusal(lambda: suite.call(create, token, timeout=0.02, **{
            **order, "payment_method": {"token": "tok_slow"}})),
        "unknown": refusal(lambda: suite.call(
            "stoa.order.v1.OrderService/GetOrder", token, order_id=str(uuid.uuid4()))),
    }))


main()
