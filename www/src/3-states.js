  // ---- events

  function on(type, callback) {
    (listeners[type] ||= new Set()).add(callback);
    return () => listeners[type].delete(callback);
  }

  function emit(type, detail) {
    if (gone) return;
    outbox.push([type, detail]);
    queueMicrotask(flush);
  }

  function flush() {
    if (inLock) return;
    for (const [type, detail] of outbox.splice(0))
      for (const callback of new Set(listeners[type]))
        try { callback(detail); } catch (thrown) { rethrow(thrown); }
  }

  // ---- the state machine (the table in docs/client.md)

  const signedOut = () => new SessionError(record.ended || 'signed_out', { terminal: true });

  const live = () => record.sid && !record.ended;

  /* The state is what the record says. Tells what has changed. */
  function settle() {
    const prev = state, last = shown, { user, end, idle } = record;
    state = !known || !home ? 'loading' : !record.sid ? 'signed-out' : record.ended ? 'locked'
      : left(record) ? 'active' : 'stale';
    if (live()) shown = { sid: record.sid, user: JSON.stringify(user) };
    if (state !== prev || shown.sid !== last.sid) {
      const what = { user, reason: record.ended || record.out };
      emit('state', { state, prev, ...what });
      if (record.ended) emit('reauth', what);
    } else if (shown.user !== last.user) emit('user', { user });
    if (live()) watch('session', end);
    if (state === 'stale') watch('idle', idle);
    for (const check of waiters) check();
    arm();
  }

  /* Not by the generation: a session that is bound to a key (dpop.js) keeps its own for a day. */
  const moved = seen => record.jitter !== seen.jitter || record.sid !== seen.sid;

  const offline = () => globalThis.navigator?.onLine === false && !waiters.size;    // it may lie: who waits, tries

  function arm() {
    clearTimeout(timer);
    const behind = !known || unsaved(), times = [behind ? STORAGE_TICK : LONGEST_TICK];
    if (!behind && !live() && !record.logouts) return;
    if (live()) {
      const due = waiters.size ? 0 : left(record) - lead(record);
      times.push(left(record), ...warn.map(ms => record.end - now() - ms), due > 0 ? due : !offline() && (pauseLeft() || 1));
    }
    timer = setTimeout(tick, Math.max(250, Math.min(...times.filter(ms => ms > 0))));
    timer.unref?.();
  }

  /* `force`: 1 skips the pause after a failure, 2 a Retry-After too, but rarely. */
  async function tick(force) {
    if (gone) return;
    settle();
    if (force || !known || unsaved()) await reload();
    if (known && unsaved() && !writing) await save(record);
    deliver();
    if (live() && (waiters.size || !(left(record) > lead(record))) && (force || !offline()))
      refresh({ need: waiters.size, force }).catch(noop);
  }

  function watch(kind, deadline) {
    const ms = until(deadline), threshold = Math.min(...warn.filter(limit => limit >= ms));
    const before = warned[kind], mark = warned[kind] = record.gen + ':' + threshold;
    if (ms && threshold < Infinity && mark !== before) emit('expiring', { kind, ms, threshold });
  }

  function wake() {
    leaving = false;
    return tick(1);
  }

