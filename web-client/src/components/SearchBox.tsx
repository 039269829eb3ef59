import { useNavigate, useRouterState } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { QUERY_LETTERS_MAX } from '~/catalog/query';

const TYPING_MS = 150;

/** The search of every page: `/` focuses it, results come while typing, the address follows. */
export function SearchBox() {
  const navigate = useNavigate();
  const { searching, asked, href } = useRouterState({
    select: ({ location }) => ({
      searching: location.pathname === '/shop/search',
      href: location.href,
      asked: (location.search as { query?: string }).query ?? '',
    }),
    structuralSharing: true,
  });
  const shown = searching ? asked : '';
  const [text, setText] = useState(shown);
  const sent = useRef(shown);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  // The address changed by something else than typing: back, a link, another page. What was typed last is let go with
  // it, or it would lead away from there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new address counts, also one with the same words
  useEffect(() => {
    if (searching && asked === sent.current) return;
    clearTimeout(timer.current);
    sent.current = shown;
    setText(shown);
  }, [href]);

  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (
        event.key !== '/' ||
        event.metaKey ||
        event.ctrlKey ||
        event.altKey ||
        target.closest('input, textarea, [contenteditable]')
      )
        return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);

  const go = (query: string, replace: boolean): void => {
    clearTimeout(timer.current);
    sent.current = query;
    void navigate({
      to: '/shop/search',
      search: (old) => ({
        ...('category' in old && searching ? { category: old.category } : {}),
        ...(query ? { query } : {}),
      }),
      replace,
    });
  };

  const type = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => go(next.trim(), searching), TYPING_MS);
  };

  const clear = (): void => {
    type('');
    input.current?.focus();
  };

  return (
    <form
      className="group relative"
      data-empty={text === '' || undefined}
      onSubmit={(event) => {
        event.preventDefault();
        go(text.trim(), searching);
      }}
    >
      <Search size={18} aria-hidden="true" className="pointer-events-none absolute top-[13px] left-[14px] text-muted" />
      <input
        ref={input}
        type="search"
        aria-label="Search the shop"
        placeholder="Search the shop"
        autoComplete="off"
        maxLength={QUERY_LETTERS_MAX}
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && text) clear();
        }}
        className="h-[44px] w-full rounded-full border border-edge bg-surface pr-[44px] pl-[40px] placeholder:text-muted group-data-[empty]:pr-[14px] [&::-webkit-search-cancel-button]:hidden"
      />
      <span
        aria-hidden="true"
        className="pointer-events-none absolute top-[10px] right-4 hidden rounded border border-line px-1.5 font-sans text-muted text-note group-data-[empty]:md:block group-focus-within:hidden!"
      >
        /
      </span>
      <button
        type="button"
        aria-label="Clear the search"
        onClick={clear}
        className="absolute top-0 right-0 inline-flex size-[44px] items-center justify-center rounded-full text-muted group-data-[empty]:hidden"
      >
        <X size={16} aria-hidden="true" />
      </button>
    </form>
  );
}
