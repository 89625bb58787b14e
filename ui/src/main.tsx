import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import '@mantine/spotlight/styles.layer.css';
import './app/app.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { onClient } from './api/client';
import { sessionQuery } from './api/session';
import { queries, router } from './app/router';
import { cssVariables, theme } from './app/theme';
import { ConfirmHost } from './components/confirm';
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
          <ConfirmHost />
          <FreshSignIn />
          <Notifications position="bottom-right" limit={4} autoClose={6000} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
