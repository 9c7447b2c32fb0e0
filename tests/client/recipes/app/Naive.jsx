// What the recipe warns of: the state at the first render, and an effect for what comes after it.
import { useEffect, useState } from 'react';
import { session } from './session.js';
import { SignIn, Splash } from './screens.jsx';

export default function Naive() {
  const [state, setState] = useState(session.state);
  useEffect(() => session.on('state', event => setState(event.state)), []);
  return state === 'loading' ? <Splash /> : <SignIn />;
}
