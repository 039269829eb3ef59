import type { ReactNode } from 'react';
import { look } from './look';

const SHAPES = {
  line: 'h-4 w-2/3 rounded',
  short: 'h-4 w-1/3 rounded',
  title: 'h-10 w-3/4 rounded-control',
  block: 'h-24 w-full rounded-card',
  tall: 'h-72 w-full rounded-card',
  pill: 'h-11 w-24 shrink-0 rounded-full',
  control: 'h-14 w-full rounded-control',
};

/** A grey stand-in of the final size. */
export function Bone({ shape }: { shape: keyof typeof SHAPES }) {
  return <div className={look('animate-shimmer bg-sunken', SHAPES[shape])} />;
}

/** Stand-ins that keep their place at once and are seen after 150 ms, so that a quick answer never flickers. */
export function Skeleton({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div role="status" aria-label={label} data-skeleton="" className="animate-appear">
      {children}
    </div>
  );
}
