// The server's side: one page to HTML.
import { renderToString } from 'react-dom/server';
import { createStaticHandler, createStaticRouter, StaticRouterProvider } from 'react-router';
import { routes } from './routes.jsx';

export { loadUser } from './user.server.js';

export async function render(request) {
  const { query, dataRoutes } = createStaticHandler(routes);
  const context = await query(request);
  const html = renderToString(<StaticRouterProvider router={createStaticRouter(dataRoutes, context)} context={context} />);
  return `<!doctype html><body><div id="root">${html}</div><script type="module" src="/client.jsx"></script>`;
}
