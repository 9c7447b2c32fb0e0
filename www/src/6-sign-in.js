  // ---- sign-in, sign-out, the fallback chain

  /* The same once more, by a double click, joins the one that runs. */
  function signIn(credentials, path = '/login') {
    const what = path + JSON.stringify(credentials);
    return entries[what] ||= enter(credentials, path).finally(() => { delete entries[what]; });
  }

  /* Alone, so that no refresh's late cookie replaces the new one. The session that is replaced is
   * ended when the new one is stored. What was signed out and can't be named any more after this (by
   * its cookie), or would take the new session along, must have been ended before. */
  async function enter(credentials, path) {
    await ready;
    const trouble = record.logouts && await deliver();
    if (trouble && (cookie || record.logouts?.some(end => end.all))) throw trouble;
    if (cookie && live() && !left(own)) await refresh({ need: true }).catch(noop);
    await flight?.catch(noop);
    await exclusive(async () => {
      await reload();
      const t = now(), old = cookie && live() && own;
      const data = await call(path, { ...credentials, cookie });
      if (!cookie && live()) owe(record.refresh);
      await keep(t, data, cookie ? {} : { logouts: record.logouts });
      if (old) call('/logout', { access_token: old.access }).catch(noop);
    });
    deliver();
    if (cookie && here && home !== here.origin) await prove();
    return record.user;
  }

  /* A page of another origin may be refused the cookie that it was just given: that
   * is better known now than at the first expiry. */
  async function prove() {
    const { access } = own;
    try { await refresh({ need: true, refused: access }); } catch (error) {
      if (error.transient) return;
      call('/logout', { access_token: access }).catch(noop);
      await signOut({ reason: error.code });
      error.message += ': one site';
      throw error;
    }
  }

  async function signOut({ reason = 'user', all } = {}) {
    await ready;
    owe(record.refresh, all);
    own = null;
    save({ out: reason, logouts: record.logouts });
    await deliver(true);              // it doesn't wait for storage to have written that
    await io;
  }

  /* Tells the server which sessions are over; resolves with what went wrong. In its turn under the
   * lock, because another tab may be signing in with the same cookie; but at once where the user
   * has just said so. In body mode the old session stays until the new one is stored. */
  function deliver(urgent) {
    if (!record.logouts || live() && unsaved()) return delivery;
    return delivery = delivery.then(() => urgent ? sendEnds() : exclusive(() => reload().then(sendEnds)));
  }

  async function sendEnds() {
    for (const { refresh, all } of record.logouts || []) {
      try { await call('/logout', { refresh_token: refresh, all }); } catch (error) { if (error.transient) return error; }
      await reload();
      const logouts = record.logouts?.filter(end => end.refresh !== refresh);
      await save({ ...record, logouts: logouts?.[0] && logouts });
    }
  }

  async function reauth(steps) {
    for (const name in steps) {
      try { await steps[name](record.user); } catch (error) { if (error?.transient) throw error; }
      if (live()) return name;
    }
    await signOut({ reason: 'reauth_failed' });
  }

  // ---- the life of the object

  function listen(target, type, callback) {
    target?.addEventListener?.(type, callback);       // no `signal`: old browsers don't know it, jsdom refuses Node's
    ends.push(() => target?.removeEventListener?.(type, callback));
  }

  async function start() {
    await reload();
    if (gone || !home) return;
    try {
      channel = new BroadcastChannel(name);
      channel.onmessage = hear;
      channel.unref?.();
    } catch { /* there is none, or the browser refuses it: storage tells as well */ }
    listen(globalThis, 'focus', wake);
    listen(globalThis, 'pageshow', wake);
    listen(globalThis, 'online', wake);
    listen(globalThis, 'pagehide', () => { leaving = true; });
    listen(globalThis, 'storage', reload);
    listen(globalThis.document, 'visibilitychange', wake);
    tick();
  }

  function dispose() {
    clearTimeout(timer);
    channel?.close();
    gone = true;
    for (const end of ends) end();
  }

  const session = {
    fetch: request, token, signIn, signOut, reauth, wake, on, dispose,
    async refresh() {
      await ready;
      await refresh({ need: true, refused: own?.access, force: 2 });
    },
    get state() { return state; },
    get user() { return record.user; },
    get id() { return record.sid; },
    get generation() { return record.gen; },
    get age() { return record.since ? now() - record.created : null; },
    get expiresIn() { return record.since ? left(record) : null; },
    get idleExpiresIn() { return until(record.idle); },
    get sessionExpiresIn() { return until(record.end); },
  };
  const ready = session.ready = start();
  return session;
}
