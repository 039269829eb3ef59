"""Writes tests/oracle.jsonl: messages with what protovalidate says of them.

    python3 -m venv V && V/bin/pip install protovalidate==2.1.0 protobuf==7.36.2
    V/bin/python proto/tests/oracle.py

protovalidate is the reference implementation of the rules in the contract; the
test `oracle` wants our generated validation to find the same. Run it anew when
rules change. The cases are random, but the same in every run.
"""

import json
import pathlib
import random

import protovalidate
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

HOME = pathlib.Path(__file__).resolve().parent.parent
PER_MESSAGE = 10
UUID = "0190b2d4-7f3e-7c2a-9d31-5e8f6a7b8c9d"
TEXTS = [
    "", "a", "abcdefg", "abcdefgh", UUID, UUID.upper(), UUID[:-1], UUID.replace("-", ""),
    "x" * 64, "x" * 65, "\u00fc" * 64, "\u00fc" * 65, "x" * 128, "x" * 129, "x" * 255, "x" * 256,
    "EUR", "eur", "EURO", "\u0395UR", "a b", "-a", "a.b-c_d", "LAMP-1",
    "ada@shop.example", "a@b", "@b", "a@", "a@-b", "a@b-", "a@b..c", "a@b.", "a@b@c", "\u00e4@b",
    "o'neil+x@b.example", "a@" + "b" * 63 + ".c", "a@" + "b" * 64 + ".c", "a" * 250 + "@b.c",
    "customer", "admin", "root", "CANCELLED", "EXPIRED", "BORED", "tok_ok",
]
LONG = ["x" * 201, "x" * 501, "x" * 513, "x" * 1025, "x" * 4001]
NUMBERS = [-1_000_001, -1, 0, 0, 1, 1, 2, 20, 21, 100, 101, 1_000_000, 1_000_001]
DURATIONS = ["0s", "-1s", "0.001s", "1s", "3600s", "3600.000000001s"]


def files():
    data = (HOME / "src/gen/descriptors.bin").read_bytes()
    return list(FileDescriptorSet.FromString(data).file)


class Cases:
    """Makes messages out of their descriptors."""

    def __init__(self, protos, seed):
        self.random = random.Random(seed)
        self.messages = {}
        for file in protos:
            for message in file.message_type:
                self.collect(f".{file.package}.{message.name}", message)

    def collect(self, name, message):
        self.messages[name] = message
        for nested in message.nested_type:
            self.collect(f"{name}.{nested.name}", nested)

    def message(self, name):
        if name == ".google.protobuf.Duration":
            return self.random.choice(DURATIONS)
        if name == ".google.protobuf.Timestamp":
            return "2026-01-31T12:00:00Z"
        made, oneofs = {}, {}
        for field in self.messages[name].field:
            if self.random.random() < 0.12:
                continue
            if field.HasField("oneof_index") and not field.proto3_optional:
                oneofs.setdefault(field.oneof_index, []).append(field)
                continue
            made[field.json_name] = self.field(field)
        for fields in oneofs.values():
            field = self.random.choice(fields)
            made[field.json_name] = self.field(field)
        return made

    def field(self, field):
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            count = self.random.choice([0, 1, 2, 3, 5])
            values = [self.value(field) for _ in range(count)]
            if self.random.random() < 0.08 and values:
                values = values[:1] * 101
            return values
        return self.value(field)

    def value(self, field):
        kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
        if kind == "string":
            return self.random.choice(self.likely(field.name) or TEXTS + LONG[:1])
        if kind == "bool":
            return self.random.random() < 0.5
        if kind == "enum":
            return self.random.choice([0, 1, 2, 6, 7, 99, -1])
        if kind == "message":
            return self.message(field.type_name)
        return self.random.choice(NUMBERS)

    def likely(self, name):
        """Half the time something that fits, lest every message be hopeless."""
        if self.random.random() < 0.5:
            return None
        if name == "id" or name.endswith(("_id", "ids")):
            return [UUID]
        if name in ("cursor", "page_token", "text", "description", "reason", "query"):
            return [*LONG, "", "a", "CANCELLED"]
        return {"email": ["ada@shop.example"], "currency_code": ["EUR"]}.get(name, ["abcdefgh"])


def path(violation):
    text = ""
    for element in violation.field.elements:
        text += ("." if text else "") + element.field_name
        if element.subscript and element.subscript.field == "index":
            text += f"[{element.subscript.value}]"
    return text


def main():
    protos = files()
    pool = descriptor_pool.DescriptorPool()
    for file in protos:
        pool.Add(file)
    requests = sorted(
        {
            method.input_type
            for file in protos
            if file.package.startswith("stoa.")
            for service in file.service
            for method in service.method
        }
    )
    lines = []
    for name in requests:
        cases = Cases(protos, name)
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name[1:]))
        for _ in range(PER_MESSAGE if cases.messages[name].field else 1):
            message = cases.message(name)
            found = protovalidate.collect_violations(json_format.ParseDict(message, kind()))
            broken = sorted([path(v.proto), v.proto.rule_id] for v in found)
            case = {"type": name[1:], "message": message, "broken": broken}
            lines.append(json.dumps(case, sort_keys=True, ensure_ascii=False))
    (HOME / "tests/oracle.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
