/** Reads google.rpc.ErrorInfo out of an error: three fields, so no generated code is loaded for it. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { ConnectError } from '@connectrpc/connect';

export interface ErrorInfo {
  reason: string;
  domain: string;
  metadata: Record<string, string>;
}

const TYPE = 'google.rpc.ErrorInfo';

/** The reason a business refusal carries, if it carries one. */
export function errorInfo(error: ConnectError): ErrorInfo | undefined {
  for (const detail of error.details) {
    if ('type' in detail && detail.type === TYPE && detail.value instanceof Uint8Array) return decode(detail.value);
  }
  return undefined;
}

function decode(bytes: Uint8Array): ErrorInfo {
  const info: ErrorInfo = { reason: '', domain: '', metadata: {} };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) info.reason = reader.string();
    else if (field === 2) info.domain = reader.string();
    else if (field === 3) {
      const [key, value] = entry(new BinaryReader(reader.bytes()));
      info.metadata[key] = value;
    } else reader.skip(wire);
  }
  return info;
}

function entry(reader: BinaryReader): [string, string] {
  let [key, value] = ['', ''];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else reader.skip(wire);
  }
  return [key, value];
}
