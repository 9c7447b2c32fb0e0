  // ---- talking to latchkey

  async function call(path, body) {
    let status, wait = 0, code, cause;
    try {
      const response = await fetch(base + path, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
        redirect: 'manual',           // or it would take the token along; not every runtime knows 'error'
        credentials: cookie && !body.access_token ? 'include' : 'omit', keepalive: true, signal: abortAfter(timeout),
      });
      status = response.status;
      wait = retryAfter(response.headers);
      if (status === 204) return;
      const { data, error } = await response.json();
      if (response.ok && data.session.id && data.expires_in >= 0 && (cookie || data.refresh_token)) return data;
      code = error.code;
    } catch (thrown) {                // once an answer is read, the reason may quote it, and so a token
      if (!status) cause = thrown;
    }
    throw new SessionError(code || (status ? 'unexpected_answer' : 'network'), {
      status, cause, retryAfter: Math.min(wait, code ? LONGEST_HOLD : maxBackoff),   // a proxy only guesses
      transient: !code || /^5|408|425|429/.test(status),
      terminal: status === 401 && TERMINAL.test(code),
    });
  }

  /* 128 bits */
  const newKey = (key = '') => key.length < 32 ? newKey(key + (random() * 16 | 0).toString(16)) : key;

  /* Turns an answer into the record and stores it. `t` is when its request started. */
  function keep(t, data, more) {
    const after = seconds => seconds && t + seconds * 1e3;
    const { generation: gen, user, session: { id: sid, expires_in: end, created_at: born } } = data;
    const next = {
      sid, user, gen, since: t, jitter: -~record.jitter + random(), key: newKey(), ...more,
      exp: after(data.expires_in), idle: after(data.refresh_expires_in), end: after(end),
      created: t - (data.server_time - born) * 1e3,
    };
    own = { ...next, access: data.access_token, refresh: data.refresh_token };
    return save(cookie ? next : own);
  }

  /* Runs alone among the tabs where it can. A frozen tab may hold the lock for ever, so the wait
   * ends; stealing would let two in who both believe to be alone. While others get on, no tab is
   * frozen, and it waits again: many tabs may take longer. */
  async function exclusive(work, lag) {
    let entered;
    const asked = now(), seen = record;
    const run = async () => {
      entered = ++inLock;
      if (lag && now() > asked + 20) await pause(50);      // the last holder's writes may lag
      return work();
    };
    try {
      return await locks.request(name, { signal: abortAfter(timeout + 2e3) }, run);
    } catch (error) {                 // not granted in time, or there are no locks here
      if (entered) throw error;
      if (left(record.busy)) await pause(50);
      else if (!moved(seen)) return await run();
      return exclusive(work, lag);
    } finally {
      if (entered) inLock--;
      queueMicrotask(flush);
    }
  }

  // ---- refresh

  /* One for all callers. `need`: this document wants a token of its own, and not `refused`. A flight
   * that was joined may have ended with another tab's success, which in cookie mode brings none. */
  const supplied = refused => own?.access !== refused && left(own);

  async function refresh(wish) {
    if (flight) {
      await (wish.force ? flight.catch(noop) : flight);         // it may have been held back, which force isn't
      if (!wish.need || supplied(wish.refused)) return;
    }
    const seen = record;
    return flight ||= exclusive(() => renew(seen, wish), !cookie || !wish.need || own).finally(() => {
      flight = null;
      settle();
    });
  }

  /* Where another tab gets through meanwhile, this one goes on from what it left: with that, or with a refresh more. */
  async function renew(seen, { need, refused, force }) {
    const readable = await reload();
    if (known && (!live() && !cookie || record.ended || record.out)) throw signedOut();
    if (moved(seen) && (need ? supplied(refused) : left(record))) return;
    const t = now(), sent = record, tries = admit(t, force, need);
    try {
      // In body mode another process may have moved on unseen.
      if (!known || !readable && !cookie) throw passing('storage');
      const { refresh: token, key } = await ground(t, tries);
      if (!moved(sent) && !await commit(t, await call('/refresh', { refresh_token: token, cookie, session: sent.sid, idempotency_key: key }), sent)) return;
    } catch (error) {
      await reload();
      if (!live() || !moved(sent)) {
        if (live() && !leaving && !gone) await (error.terminal ? lock(error.code) : backOff(error, force, t));
        throw lastError = error;                      // leaving cuts the wait: no failure
      }
    }
    return renew(seen, { need, refused, force });
  }

  const stored = () => {
    const found = decode(raw);
    return found?.key && found.sid === record.sid ? found : record;
  };

  /* What a refresh is made from: the tokens and the key that storage holds. Where memory is ahead,
   * because a write failed, that is the last refresh once more; the server answers it alike, and
   * with a fresh access token. A cookie is never behind, so there the stored key is used for it, and
   * stays the key until it is answered. What is counted is written before it leaves, as is a key where
   * there is none: of a cookie alone, or stored by 0.1.0.
   * Without a lock, which plain HTTP has not, the others wait meanwhile: a request that leaves with
   * its cookie, and waits for a connection while two others go on, comes with one that is too old. */
  async function ground(since, tries) {
    await save({ ...record, tries, busy: { since, exp: since + 1e3 }, key: (cookie ? stored() : record).key || newKey() });
    return stored();
  }

  /* Lets a refresh pass, and returns what is to be noted of it; or throws, and tells it once. */
  function admit(t, force, need) {
    // One from the future is of before the clock was set back.
    const tries = (record.tries || []).map(at => Math.min(at, t)).filter(at => at > t - WINDOW);
    const { asked, since } = record.paused || {};
    if (tries.length >= MAX_TRIES) record = { ...record, tries, paused: { since: t, exp: tries[0] + WINDOW, asked: t } };
    else if (t - since > RARELY && (force > 1 || !told) || force && !asked || !pauseLeft()) return grant(!need)?.exp > t || record.jitter % ONE_LOAD_IN < 1 ? [...tries, t] : tries;

    lastError = passing('backing_off', { retryAfter: pauseLeft(), cause: lastError });
    if (told !== (told = record.paused.exp)) emit('error', lastError);
    throw lastError;
  }

  /* The commit guard: a sign-out, another sign-in or a newer generation since the request left wins
   * over its answer. Resolves with true then. */
  async function commit(t, data, sent) {
    await reload();
    const { sid, gen, out, tries } = record, { generation, session: { id } } = data;
    if (out || moved(sent) && (id !== sid || gen > generation)) {
      if (id !== sid && (out || !cookie)) {
        owe(data.refresh_token);
        save(record);
        deliver();
      }
      return true;
    }
    if (gone) return;                 // disposed: as if it had been lost on the way
    lastError = null;
    emit('refreshed', { generation, by: 'self' });    // once the lock is free
    // Who hears the same answer again keeps the key that may be in use by now.
    await keep(t, data, { key: id === sid && gen === generation ? record.key : newKey(), tries });
  }

  function lock(ended) {
    const { sid, user, gen, logouts } = record;       // the tokens go
    own = null;
    return save({ sid, user, gen, logouts, ended });
  }

  function backOff(error, force, t) {
    const fails = force ? 1 : -~record.fails;
    const wait = Math.min(maxBackoff / 2, 500 * 2 ** fails) * (1 + random()) * (error.transient ? 1 : 10);
    const asked = error.retryAfter * (1 + random() / 5) || 0;       // not all in the same instant
    const since = now(), exp = told = since + Math.max(wait, asked);
    emit('error', error);
    return save({ ...record, tries: [...new Set(record.tries).add(t)], fails, busy: 0, paused: { since, exp, asked: asked > wait } });
  }

