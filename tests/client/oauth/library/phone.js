// What is native in an Expo app, and React Native itself: enough that expo-auth-session runs in Node.js. Bundled in their places (list.js).
import crypto from 'node:crypto';

const browser = [], waiting = [];
/* The address that the system's browser was opened with last, and how its answer goes back: {url, resolve}. */
export const opened = () => (browser.length ? Promise.resolve(browser.at(-1)) : new Promise(resolve => { waiting.push(resolve); }));
export const close = () => browser.splice(0);

const modules = {
  ExpoWebBrowser: {
    openAuthSessionAsync: url => new Promise(resolve => {
      browser.push({ url, resolve });
      for (const tell of waiting.splice(0)) tell(browser.at(-1));
    }),
    dismissAuthSession() {},
  },
  ExpoCrypto: {
    getRandomValues: array => crypto.getRandomValues(array),
    digestStringAsync: async (algorithm, text, { encoding }) => crypto.createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest(encoding),
  },
};

globalThis.__DEV__ = false;
export class CodedError extends Error { constructor(code, message) { super(message); this.code = code; } }
export class UnavailabilityError extends CodedError {}
export class EventEmitter { addListener() { return { remove() {} }; } }
export class NativeModule {}
export class SharedObject {}
export const requireNativeModule = name => modules[name] ?? {}, requireOptionalNativeModule = name => modules[name] ?? null;
export const registerWebModule = module => module, createPermissionHook = () => {}, uuid = { v4: () => crypto.randomUUID() };
export const Platform = { OS: 'ios', select: choices => choices.ios ?? choices.native ?? choices.default };
export const AppState = { addEventListener: () => ({ remove() {} }) }, Linking = { addEventListener: () => ({ remove() {} }) };
export const processColor = color => color, NativeModules = {}, TurboModuleRegistry = { get() {} }, PermissionStatus = {}, isRunningInExpoGo = () => false;
export const useCallback = f => f, useEffect = () => {}, useMemo = f => f(), useRef = current => ({ current }), useState = value => [value, () => {}], useLayoutEffect = () => {};
export default {};
