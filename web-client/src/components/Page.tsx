import type { ReactNode } from 'react';
import { look } from './look';

/** The frame of a page: its name in the tab, its width, its air. */
export function Page({ name, narrow = false, children }: { name: string; narrow?: boolean; children: ReactNode }) {
  return (
    <div
      className={look(
        'mx-auto w-full px-4 pt-6 pb-20 sm:px-6 md:pt-10 lg:px-10',
        narrow ? 'max-w-2xl' : 'max-w-[90rem]',
      )}
    >
      <title>{name ? `${name} · Stoa` : 'Stoa: things that stand in good light'}</title>
      {children}
    </div>
  );
}

/** Two columns on a wide screen, the second one beside; one below the other on a small one. */
export function Beside({ children, aside }: { children: ReactNode; aside: ReactNode }) {
  return (
    <div className="mt-8 grid gap-10 lg:grid-cols-[minmax(0,1fr)_24rem] lg:gap-16">
      <div className="min-w-0">{children}</div>
      <div className="min-w-0 lg:sticky lg:top-24 lg:self-start">{aside}</div>
    </div>
  );
}

/** A raised sheet. */
export function Card({ children }: { children: ReactNode }) {
  return <div className="rounded-card border border-line bg-surface p-[20px] shadow-raised sm:p-6">{children}</div>;
}
