// The browser's side: takes over what the server rendered.
import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { createBrowserRouter } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { routes } from './routes.jsx';

const router = createBrowserRouter(routes, { hydrationData: window.__staticRouterHydrationData });
hydrateRoot(document.getElementById('root'), <StrictMode><RouterProvider router={router} /></StrictMode>);
