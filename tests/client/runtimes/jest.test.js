// The story under Jest, in jsdom; the client is installed as a package, which Jest is told to transform.
import { createSession } from 'latchkey-session';
import { story } from './story.js';

test('the story', async () => {
  expect(document.nodeType).toBe(9);
  const steps = await story({ createSession, base: process.env.BASE, control: process.env.CONTROL, storage: localStorage });
  expect(steps.filter(({ got, want }) => got !== want)).toEqual([]);
  expect(steps.length).toBeGreaterThan(12);
}, 180e3);
