// Firefox, by WebDriver BiDi as puppeteer-core speaks it, with the few calls of a browser that the scenarios use
// (browser.js has them of Chromium). What it can't do throws Unsupported.
import fs from 'node:fs';
import { load } from './load.js';

export class Unsupported extends Error {}

/* `known` stands before the page's own calls of those names; of any other the scenario is told that there is none. */
function only(thing, known, passed) {
  return new Proxy(thing, {
    get(target, name) {
      if (name in known) return known[name];
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (!passed.includes(name)) throw new Unsupported(`Firefox is not driven by ${name}()`);
      return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
    },
  });
}

const PAGE = ['evaluate', 'goto', 'reload', 'off', 'url', 'setDefaultTimeout', 'bringToFront', 'isClosed', 'goBack', 'title', 'setContent'];

/* Contexts and tabs are opened and closed one at a time: Firefox loses one that is made while another goes. */
let turn = Promise.resolve();
const inTurn = work => (turn = turn.then(work, work));

async function openContext(firefox) {
  const context = await inTurn(() => firefox.createBrowserContext()), scripts = [], pages = [];
  return only(context, {
    addInitScript: async (script, arg) => { scripts.push([script, arg]); },
    async newPage() {
      const page = await inTurn(() => context.newPage());
      pages.push(page);
      for (const [script, arg] of scripts) await page.evaluateOnNewDocument(script, arg);
      return only(page, {
        addInitScript: (script, arg) => page.evaluateOnNewDocument(script, arg),
        close: () => inTurn(() => page.close()),
        // Firefox puts the error's name before its message.
        on: (type, callback) => page.on(type, type === 'pageerror' ? ({ message }) => callback({ message: message.replace(/^\w*Error: /, '') }) : callback),
      }, PAGE);
    },
    setOffline: off => Promise.all(pages.filter(page => !page.isClosed()).map(page => page.setOfflineMode(off))),
    close: () => inTurn(() => context.close()),
  }, ['cookies']);
}

export async function launchFirefox() {
  const executablePath = [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(file => file && fs.existsSync(file));
  if (!executablePath) throw new Error('no firefox: install firefox-esr, or name it in FIREFOX');
  const { default: puppeteer } = await load('puppeteer-core');
  const firefox = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, timeout: 180e3 });
  return { newContext: () => openContext(firefox), close: () => firefox.close() };
}
