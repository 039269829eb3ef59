/** An ErrorInfo as it comes over the wire, for tests. */
import { create, toBinary } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '~/gen/google/rpc/error_details_pb';

export function infoDetail(
  reason: string,
  metadata: Record<string, string> = {},
): { type: string; value: Uint8Array<ArrayBuffer> } {
  const info = create(ErrorInfoSchema, { reason, domain: 'stoa.order', metadata });
  return { type: ErrorInfoSchema.typeName, value: new Uint8Array(toBinary(ErrorInfoSchema, info)) };
}
