// A browser without a screen or script: cookies, redirects, and the forms of the sign-in page.
//   const walker = new Walker({ username, password });
//   await walker.go(url, target => target.startsWith(callback))   the address that it stopped before, or the page that it ended on:
//                                                                 {url, status, text}
export class Walker {
  constructor({ username, password, agent = 'walker' }) {
    Object.assign(this, { username, password, agent, jar: [], trail: [] });
  }

  cookiesFor(url) {
    return this.jar.filter(c => c.host === url.hostname && url.pathname.startsWith(c.path)).map(c => `${c.name}=${c.value}`).join('; ');
  }

  keep(url, lines) {
    for (const line of lines) {
      const [pair, ...rest] = line.split(';').map(part => part.trim()), at = pair.indexOf('=');
      const attributes = Object.fromEntries(rest.map(part => { const [name, ...value] = part.split('='); return [name.toLowerCase(), value.join('=')]; }));
      const cookie = { host: url.hostname, name: pair.slice(0, at), value: pair.slice(at + 1), path: attributes.path || '/' };
      this.jar = this.jar.filter(c => !(c.host === cookie.host && c.name === cookie.name && c.path === cookie.path));
      const gone = attributes['max-age'] !== undefined ? Number(attributes['max-age']) <= 0 : Date.parse(attributes.expires) < Date.now();
      if (!gone) this.jar.push(cookie);
    }
  }

  async request(url, { body, from } = {}) {
    const same = from?.origin === url.origin;
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET', body, redirect: 'manual',
      headers: {
        accept: 'text/html', connection: 'close', 'user-agent': this.agent, cookie: this.cookiesFor(url), 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document',
        'sec-fetch-site': from ? same ? 'same-origin' : 'cross-site' : 'none',
        ...from && { referer: from.origin + '/' }, ...body && { origin: from.origin },
      },
    });
    this.keep(url, response.headers.getSetCookie());
    return response;
  }

  async go(address, until = () => false) {
    let url = new URL(address), body, from;
    for (let steps = 0; steps < 25; steps++) {
      this.trail.push(url.href);
      const response = await this.request(url, { body, from });
      const location = response.headers.get('location');
      if (location) {
        const next = new URL(location, url).href;
        if (until(next)) return next;
        [from, url, body] = [url, new URL(next), undefined];
        continue;
      }
      const text = await response.text();
      const link = this.linkOf(text, until);
      if (link) return link;
      const form = response.ok || response.status === 401 ? this.form(text, url) : undefined;
      if (!form) return { url: url.href, status: response.status, text };
      [from, url, body] = [url, form.action, form.body];
    }
    throw new Error('it goes round in circles: ' + this.trail.slice(-4).join(' → '));
  }

  /* A link or button of the page that leads to the client: where the browser asks the person first. */
  linkOf(text, until) {
    return [...text.matchAll(/<a\s[^>]*href="?([^"\s>]+)/g)].map(([, to]) => plain(to)).find(to => until(to));
  }

  /* The page's form as a person would send it: a sign-in, or the button that allows. */
  form(text, url) {
    for (const [, head, inside] of text.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)) {
      const signin = /type="?password/.test(inside), allow = /value="?allow/.test(inside);
      if (!signin && !allow) continue;
      if (signin && this.tried === text) throw new Error('the page asks again: ' + text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 300));
      if (signin) this.tried = text;
      const fields = new URLSearchParams();
      for (const [, tag, attributes] of inside.matchAll(/<(input|button)([^>]*)>/g)) {
        const name = attribute(attributes, 'name');
        if (!name || attribute(attributes, 'type') === 'checkbox' || tag === 'button' && attribute(attributes, 'value') !== 'allow') continue;
        fields.append(name, { username: this.username, password: this.password }[name] ?? attribute(attributes, 'value') ?? '');
      }
      return { action: new URL(attribute(head, 'action') || url.href, url), body: fields };
    }
  }
}

const plain = text => text.replace(/&(amp|quot|lt|gt|#39|#x27);/g, (_, name) => ({ amp: '&', quot: '"', lt: '<', gt: '>' })[name] ?? "'");
const attribute = (text, name) => { const found = new RegExp(`\\b${name}="([^"]*)"|\\b${name}=([^\\s>"]+)`).exec(text); return found ? plain(found[1] ?? found[2]) : undefined; };
