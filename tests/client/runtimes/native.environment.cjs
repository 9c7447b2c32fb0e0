// As bare as React Native: no page, no locks, no channels, no Web Crypto, no signal with a reason; an XMLHttpRequest (jsdom's,
// in place of the device's) below the fetch that React Native puts upon it.
const { TestEnvironment } = require('jest-environment-node');
const { JSDOM } = require('jsdom');

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { window } = new JSDOM('', { url: process.env.PAGE });
    const lacks = ['fetch', 'Headers', 'Request', 'Response', 'crypto', 'BroadcastChannel', 'AbortSignal', 'AbortController', 'DOMException'];
    for (const name of lacks) Object.defineProperty(this.global, name, { value: undefined, configurable: true, writable: true });
    Object.defineProperty(this.global, 'navigator', { value: { product: 'ReactNative' }, configurable: true });
    Object.assign(this.global, { self: this.global, XMLHttpRequest: window.XMLHttpRequest, FormData: window.FormData });
  }
};
