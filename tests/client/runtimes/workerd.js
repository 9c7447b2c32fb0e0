// The story in workerd: a Worker that a request asks for it, with its storage in a KV namespace.
import { createSession } from './session.js';
import { story } from './story.js';

export default {
  async fetch(request, env) {
    const { base, control } = await request.json();
    const storage = { getItem: key => env.STORE.get(key), setItem: (key, value) => env.STORE.put(key, value) };
    return Response.json(await story({ createSession, base, control, storage }));
  },
};
