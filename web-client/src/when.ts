/** Times as people read them. */
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

const day = new Intl.DateTimeFormat('en-IE', { day: 'numeric', month: 'long', year: 'numeric' });
const clock = new Intl.DateTimeFormat('en-IE', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const moment = new Intl.DateTimeFormat('en-IE', { dateStyle: 'long', timeStyle: 'short' });

/** "21 November 2026" */
export const formatDay = (at: Timestamp | undefined): string => (at ? day.format(timestampDate(at)) : '');

/** "09:41:07" */
export const formatClock = (at: Timestamp | undefined): string => (at ? clock.format(timestampDate(at)) : '');

/** "21 November 2026 at 09:41" */
export const formatMoment = (at: Timestamp | undefined): string => (at ? moment.format(timestampDate(at)) : '');
