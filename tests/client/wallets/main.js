// Wallets, signed for by the libraries that wallets and their apps are made of. TAP.
//   node main.js [only=TEXT]      the groups whose name has TEXT
import { runGroups } from '../groups.js';
import { stopAll } from '../upstream.js';
import { door } from './door.js';
import { pages } from './pages.js';
import { payments } from './payments.js';
import { signatures } from './signatures.js';

await runGroups([signatures, pages, door, payments], stopAll);
