/** Reads google.rpc.ErrorInfo out of an error. */
import type { ConnectError } from '@connectrpc/connect';
import { type ErrorInfo, ErrorInfoSchema } from '~/gen/google/rpc/error_details_pb';

/** The reason a business refusal carries, if it carries one. */
export const errorInfo = (error: ConnectError): ErrorInfo | undefined => error.findDetails(ErrorInfoSchema)[0];
