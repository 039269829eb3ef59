/** An ErrorInfo as it comes over the wire, for tests. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';

export function infoDetail(
  reason: string,
  metadata: Record<string, string> = {},
): { type: string; value: Uint8Array<ArrayBuffer> } {
  const writer = new BinaryWriter();
  writer.tag(1, 2).string(reason).tag(2, 2).string('stoa.order');
  for (const [key, value] of Object.entries(metadata))
    writer.tag(3, 2).fork().tag(1, 2).string(key).tag(2, 2).string(value).join();
  return { type: 'google.rpc.ErrorInfo', value: new Uint8Array(writer.finish()) };
}
