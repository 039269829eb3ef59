import type { ReactNode } from 'react';
import { Page } from './Page';
import { Heading, Title } from './Text';

/** A page that is read: a heading, a first sentence that says it all, and the rest of it. */
export function Article({ name, lead, children }: { name: string; lead: string; children: ReactNode }) {
  return (
    <Page name={name} narrow>
      <article>
        <Title>{name}</Title>
        <p className="mt-4 text-lead text-muted">{lead}</p>
        {children}
      </article>
    </Page>
  );
}

/** A part of it, under a heading of its own. */
export function Passage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mt-10">
      <Heading>{title}</Heading>
      <div className="mt-3 flex flex-col gap-3">{children}</div>
    </section>
  );
}
