// The entry: StrictMode, and the first render in a transition, which leaves the most time between render and effect.
import { startTransition, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import App from './App.jsx';

const root = createRoot(document.getElementById('root'));
startTransition(() => root.render(<StrictMode><App /></StrictMode>));
