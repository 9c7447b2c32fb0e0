/** @jest-environment ./native.environment.cjs */
// The story with the pieces that React Native brings: its fetch (whatwg-fetch over an XMLHttpRequest), its AbortController,
// whose signals have no reason, AsyncStorage by its own mock.
import { AbortController } from 'abort-controller';
import 'whatwg-fetch';
import AsyncStorage from '@react-native-async-storage/async-storage/jest/async-storage-mock';
import { createSession } from 'latchkey-session';
import { story } from './story.js';

const { BASE: base, CONTROL: control } = process.env;
globalThis.AbortController = AbortController;

test('the story', async () => {
  expect(globalThis.fetch.polyfill).toBe(true);
  expect(new AbortController().signal.reason).toBe(undefined);
  const steps = await story({ createSession, base, control, storage: AsyncStorage, options: { random: Math.random } });
  expect(steps.filter(({ got, want }) => got !== want)).toEqual([]);
  expect(steps.length).toBeGreaterThan(12);
}, 180e3);

test('a signal without a reason ends a wait with an AbortError', async () => {
  const session = createSession({ base, mode: 'body', storage: { getItem: () => new Promise(() => {}), setItem() {} } });
  const controller = new AbortController();
  const waiting = session.fetch(base + '/me', { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  session.dispose();
});
