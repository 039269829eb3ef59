/** What a walk knows to be true, and the shop it is true of. */
import type { BrowserContext, Page } from '@playwright/test';
import type { Private } from '../rules.ts';
import type { Shop } from '../servers.ts';

export interface Account extends Private {
  readonly orders: string[];
  /** How often this person pressed Pay. */
  paid: number;
}

/** The shop as it should be. */
export interface Model {
  readonly cart: Map<string, number>;
  /** Everybody who made an account on this walk. */
  readonly people: Account[];
  /** Who is signed in. */
  who: Account | undefined;
  online: boolean;
  /** What was taken out of the cart since its page was opened, so that it can be put back. */
  taken: (readonly [sku: string, quantity: number])[];
  /** How many tabs are open. */
  tabs: number;
  /** The path of the tab in front. */
  place: string;
  steps: number;
  /** The moves that found nothing to be made with. */
  readonly idle: string[];
  readonly stepsMax: number;
}

/** The shop as it is. */
export interface Real {
  readonly context: BrowserContext;
  readonly shop: Shop;
  /** What the browser's consoles complained of since the last step. */
  readonly complaints: string[];
  readonly tabs: Page[];
  /** The tab in front. */
  page: Page;
  /** How long a page may take to come to rest, if not as long as everywhere. */
  readonly quietMs?: number;
}
