import './trusted-types';
import { ConnectError } from '@connectrpc/connect';
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { plainTransport, queries, transport } from './api';
import { clearDrafts } from './drafts';
import { MissingCode } from './errors/explain';
import { fetchPagesWhenIdle } from './lazy-page';
import { router } from './router';
import { guardSecondPress } from './second-press';
import { openSession } from './session/session';
import { followSession } from './session/turns';
import './theme.css';

guardSecondPress();
followSession();
openSession(plainTransport);
router.subscribe('onResolved', ({ pathChanged }) => {
  if (pathChanged) clearDrafts();
});
const firstPageShown = router.subscribe('onRendered', () => {
  firstPageShown();
  fetchPagesWhenIdle();
});

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root element');
createRoot(root, {
  // What a page catches it shows to its visitor; only a fault of our own is worth the console.
  onCaughtError(error) {
    if (!(error instanceof ConnectError) && !(error instanceof MissingCode)) console.error(error);
  },
}).render(
  <StrictMode>
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TransportProvider>
  </StrictMode>,
);
