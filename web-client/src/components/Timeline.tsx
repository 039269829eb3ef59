import { Check, X } from 'lucide-react';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import type { Station } from '~/orders/stations';
import { formatClock } from '~/when';
import { look } from './look';

/** The way of an order, drawn as it is walked. */
export function Timeline({ stations }: { stations: readonly Station[] }) {
  return (
    <ol aria-label="What has happened so far" className="relative">
      {stations.map((station, i) => (
        <li
          key={station.status}
          className="relative flex gap-5 pb-9 last:pb-0"
          aria-current={station.state === 'now' ? 'step' : undefined}
        >
          {i < stations.length - 1 ? <Track walked={stations[i + 1]?.state !== 'ahead'} /> : null}
          <Mark station={station} />
          <div className="min-w-0 pt-0.5">
            <p className={look('font-medium text-lead', station.state === 'ahead' && 'text-muted')}>
              {station.title}
              <time className="ml-3 whitespace-nowrap font-normal text-muted text-note tabular-nums">
                {formatClock(station.at)}
              </time>
            </p>
            <p className="min-h-6 text-muted text-note">{station.state === 'ahead' ? '' : station.note}</p>
          </div>
        </li>
      ))}
    </ol>
  );
}

function Track({ walked }: { walked: boolean }) {
  return (
    <span aria-hidden="true" className="absolute top-8 bottom-0 left-[0.9375rem] w-0.5 bg-line">
      {walked ? <span className="block size-full origin-top animate-draw bg-accent" /> : null}
    </span>
  );
}

const BAD: readonly OrderStatus[] = [OrderStatus.REJECTED, OrderStatus.CANCELLED];
const RESTING: readonly OrderStatus[] = [OrderStatus.CONFIRMED, ...BAD];

function Mark({ station }: { station: Station }) {
  const done = station.state !== 'ahead';
  const moving = station.state === 'now' && !RESTING.includes(station.status);
  return (
    <span
      aria-hidden="true"
      className={look(
        'z-[1] inline-flex size-8 shrink-0 items-center justify-center rounded-full border-2',
        !done && 'border-line bg-surface',
        done && !BAD.includes(station.status) && 'border-accent bg-accent text-on-accent',
        done && BAD.includes(station.status) && 'border-bad bg-bad text-page',
        done && 'animate-pop',
      )}
    >
      {moving ? <span className="size-2.5 animate-breathe rounded-full bg-current" /> : null}
      {done && !moving ? BAD.includes(station.status) ? <X size={18} /> : <Check size={18} /> : null}
    </span>
  );
}
