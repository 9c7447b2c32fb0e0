// The story under Vitest, in jsdom; the client is installed as a package.
import { expect, test } from 'vitest';
import { createSession } from 'latchkey-session';
import { story } from './story.js';

test('the story', async () => {
  expect(document.nodeType).toBe(9);
  const steps = await story({ createSession, base: process.env.BASE, control: process.env.CONTROL, storage: localStorage });
  for (const { name, got, want } of steps) expect(got, name).toBe(want);
  expect(steps.length).toBeGreaterThan(12);
}, 180e3);
