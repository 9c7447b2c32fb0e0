  /* ---- the record, and storage
   *
   *   sid, user, gen           the session, whose it is, how often it was refreshed
   *   since, exp, idle, end    local times: of the request that brought this, and of its deadlines
   *   created                  local time of sign-in
   *   jitter                   how often an answer was stored, and a fraction: the share of jitter that all tabs use
   *   key                      the idempotency key of the next refresh
   *   access, refresh          the tokens, in body mode alone
   *   tries                    times of refreshes, against storms
   *   paused, fails            { since, exp, asked }: no refresh till then; failures in a row
   *   busy                     { since, exp }: a refresh is under way, and who has no lock waits
   *   ended                    why it is locked
   *   logouts                  [{ refresh, all }]: sessions whose end the server isn't told yet;
   *                            without `refresh`, the cookie's
   *
   * A sign-out leaves { out, logouts }; `out` is its reason. A cookie of which nothing is known but
   * that it is being tried has { key } alone. */

  /* undefined: rubbish, or a file torn in the middle of a write. Of what 0.1.0 stored, under shorter
   * names, that is taken which the next refresh needs. */
  function decode(text) {
    if (text == null) return {};
    try {
      const { rt, dead, pend, all, ...found } = JSON.parse(text), { sid, out, key } = found;
      if (pend) return { out, logouts: [{ refresh: rt, all }] };
      found.refresh ??= rt;
      found.ended ??= dead;
      if (sid || out || key) return found;
    } catch { /* rubbish */ }
  }

  let io = Promise.resolve();         // one operation at a time, in the order in which they were asked for
  let raw;                            // the text that storage was last known to hold; '{}': none
  let writing = 0, reading, failing;

  const unsaved = () => storage && raw !== JSON.stringify(record);

  /* Storage that doesn't answer is given up. A write that it does later may have hidden a newer one. */
  function reach(method, text) {
    let late;
    const answer = Promise.resolve().then(() => storage?.[method](name, text)).finally(() => { if (late && text) save(record); });
    return waitFor(answer, null, timeout, () => { late = true; });
  }

  function report(fails) {
    if (fails && !failing) emit('error', lastError = passing('storage'));
    failing = fails;
  }

  /* Brings `record` up to date. Resolves with true when storage could be read. */
  const reload = () => reading ||= io = io.then(async () => {
    reading = null;
    try {
      const text = await reach('getItem'), found = decode(text), again = failing;
      report(!found || failing && unsaved());
      if (found || again) {           // else a writer may be in the middle of it
        // What a write of this tab will replace is older than that.
        if (!writing && (storage || !known)) adopt(found || {}, found && text || '{}');
        return true;
      }
    } catch { report(true); }
  });

  /* Takes over what another tab, or the run before this one, has written. */
  function adopt(found, text) {
    const seen = raw, { sid, gen, access } = found, same = sid && sid === record.sid;
    raw = text;
    if (text === seen) return;
    if (live() && !sid && !found.out) raw = JSON.stringify(record);   // cleared: the next refresh writes it again
    else if (!same && known && !seen) cookie || owe(found.refresh);     // the user acted before it could be read
    else if (!same || gen >= record.gen) {
      if (same && moved(found) && !found.ended) emit('refreshed', { generation: gen, by: 'peer' });
      record = found;
      if (access) own = found;
      else if (!same || found.ended) own = null;
      know();
    }
  }

  function owe(refresh, all) {
    if (refresh || cookie) record = { ...record, logouts: [...record.logouts || [], { refresh, all }] };
  }

  function know() {
    known = true;
    settle();
  }

  function save(next) {
    const news = { sid: next.sid, out: next.out && record.sid };
    writing++;
    record = next;
    know();
    return io = io.then(async () => {
      writing--;
      const text = JSON.stringify(next);
      try {
        await reach('setItem', text);
        raw = text;
        report();
      } catch { report(true); }
      try { channel?.postMessage(news); } catch { /* the browser closed it: storage tells them */ }
    });
  }

  /* A tab whose storage doesn't work, or lags, goes by what it hears. */
  async function hear({ data }) {
    await reload();
    const { sid, out } = data || {};
    if (out && out === record.sid) {
      own = null;
      record = { out: 'user' };
      settle();
    } else if (cookie && !storage && sid && sid !== record.sid) {
      own = null;                     // the cookie is theirs already
      if (!live()) record = {};
      refresh({ need: true }).catch(noop);
    }
  }

  // ---- time

  const left = token => now() >= token?.since - CLOCK_SLACK ? Math.max(0, token.exp - now()) : 0;

  /* A token that lasts to the session's end can't be improved upon: no lead. */
  const lead = token => token.end && token.exp >= token.end - 1e3 ? 0
    : Math.min(buffer, (token.exp - token.since) / 2) * (1 - token.jitter % 1 / 10);

  const until = deadline => deadline ? Math.max(0, deadline - now()) : null;

  const pauseLeft = () => left(record.paused);

