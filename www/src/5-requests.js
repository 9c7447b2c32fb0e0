  // ---- requests

  const grant = safe => safe ? record : own;

  /* Waits until a request may go: there is a token, or nothing left to wait for. Half-way it asks
   * once in spite of a pause. */
  function queued(safe, signal) {
    let half, check;
    const mine = record.sid;
    const done = () => known && (!live() || mine && record.sid !== mine || left(grant(safe)));
    const attempt = force => ready.then(() => done() || refresh({ need: !safe, force }).then(() => attempt()));
    const waiting = new Promise((resolve, reject) => {
      check = () => done() && resolve();
      const ask = force => attempt(force).then(check, error => {
        check();
        if (!queueTimeout || !error.transient) reject(error);
      });
      waiters.add(check);
      ask();
      if (queueTimeout) half = setTimeout(ask, queueTimeout / 2, 1);
    });
    const late = () => passing('queue_timeout', { retryAfter: pauseLeft(), cause: lastError });
    return waitFor(waiting, signal, queueTimeout, late)
      .finally(() => { clearTimeout(half); waiters.delete(check); });
  }

  async function request(input, init) {
    init ??= {};
    const headers = new Headers(init.headers || input.headers);
    // The caller's own Authorization is the caller's.
    if (!trusted.includes(origin(input.url || input)) || headers.has('authorization')) return fetch(input, init);
    const { body, signal = input.signal } = init;
    const once = body && (body.getReader || body[Symbol.asyncIterator]);      // a stream can't be sent again
    const safe = accessCookie && /^(GET|HEAD)$/i.test(init.method || input.method || 'GET');
    const spare = input.clone?.() ?? input;
    const mine = record.sid;

    await prepare(safe, once, signal);
    if (mine && live() && record.sid !== mine) throw new SessionError('session_changed');
    const sent = safe ? undefined : own?.access, seen = record, had = live();
    const response = await send(input, init, headers, safe);
    if (!had) return response;
    const copy = isAuthError === refusesToken ? response : response.clone();  // the app's own test may read the body
    const refused = await isAuthError(copy, sent);
    if (copy !== response) copy.body?.cancel?.().catch(noop);
    if (refused !== true) return response;

    const renewed = () => safe ? moved(seen) : supplied(sent);
    if (!renewed())
      try { await waitFor(refresh({ need: !safe, refused: sent }), signal); } catch (error) { if (signal?.aborted) throw error; }
    if (once || !live() || record.sid !== seen.sid || !renewed()) return response;
    response.body?.cancel?.().catch(noop);
    return send(spare, init, headers, safe);
  }

  async function prepare(safe, once, signal) {
    if (!known || live() && !left(grant(safe))) await queued(safe, signal);
    const token = grant(safe);
    if (!live() || !token || left(token) > lead(token)) return;
    const behind = refresh({ need: !safe }).catch(noop);
    if (once) await waitFor(behind, signal);
  }

  function send(input, init, headers, safe) {
    if (!safe && left(own)) headers.set('authorization', 'Bearer ' + own.access);
    return fetch(input, { ...init, headers });
  }

  /* For what fetch can't do. `refused`: the token that didn't work. */
  async function token({ refused } = {}) {
    await ready;
    if (refused && own?.access === refused) await refresh({ need: true, refused });
    await prepare();
    if (!live()) throw signedOut();
    return own.access;
  }

