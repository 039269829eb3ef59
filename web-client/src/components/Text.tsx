import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react';
import { look } from './look';

/** The one heading of a page; where the focus goes when what had it is gone. */
export function Title({ children, ref }: { children: ReactNode; ref?: Ref<HTMLHeadingElement> }) {
  return (
    <h1 ref={ref} tabIndex={-1} className="font-medium text-title tracking-[-0.03em] outline-none">
      {children}
    </h1>
  );
}

/** The heading of a part. */
export function Heading({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <h2 id={id} className="font-medium text-heading tracking-[-0.02em]">
      {children}
    </h2>
  );
}

/** Running text that stands back. */
export function Muted({ children, small = false }: { children: ReactNode; small?: boolean }) {
  return <p className={look('text-muted', small && 'text-note')}>{children}</p>;
}

interface TextAnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  ref?: Ref<HTMLAnchorElement>;
}

function TextAnchor({ className: _, ...props }: TextAnchorProps) {
  return (
    <a
      {...props}
      className="inline-flex min-h-11 min-w-11 items-center gap-1.5 text-accent-ink underline decoration-1 underline-offset-4 hover:decoration-2"
    />
  );
}

/** A link in a text. */
export const TextLink = createLink(TextAnchor);

function NameAnchor({ className: _, ...props }: TextAnchorProps) {
  return (
    <a {...props} className="inline-flex min-h-11 items-center font-medium hover:underline hover:underline-offset-4" />
  );
}

/** The name of a thing, leading to it. */
export const NameLink = createLink(NameAnchor);
