import './app/first-styles.css';
import './app/app.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { onClient } from './api/client';
import { sessionQuery } from './api/session';
import { queries, router } from './app/router';
import { cssVariables, theme } from './app/theme';
import { ConfirmHost } from './components/confirm';
import { TipHost } from './components/tip';
import { ToastHost } from './components/toast-host';
import { FreshSignIn, requireFreshSignIn } from './shell/fresh-sign-in';

onClient({
  unauthenticated: () => void queries.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  confirm: requireFreshSignIn,
});

const place = document.getElementById('root');
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
          <TipHost />
          <ConfirmHost />
          <FreshSignIn />
          <ToastHost />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
