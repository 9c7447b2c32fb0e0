/* session.min.js is session.js, minified. */
export * from './session.js';
