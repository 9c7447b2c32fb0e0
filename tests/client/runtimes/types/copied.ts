// The files copied into an app, as docs/clients.md has it.
import { createSession } from './vendor/session.js';
import { createSession as smaller } from './vendor/session.min.js';

export const sessions = [createSession(), smaller({ mode: 'cookie' })].map(session => session.state);
