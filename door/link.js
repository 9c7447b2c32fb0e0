// The operator's link: its ticket stands behind a '#', which a browser tells no server. So it is put into the form here,
// and taken out of the address, where it would stay in the history. Without script a person pastes the link.
// What is in the field already can be tried again, and needn't be seen.
// A link that is opened where its page is open already is another '#' alone: nothing is loaded anew.
const field = document.querySelector('[name=ticket]');
const take = () => {
  const ticket = location.hash.split('#link=')[1];
  if (field && (field.value = ticket || field.value)) {
    history.replaceState(0, '', 'link');
    field.type = 'hidden';
    field.closest('label')?.replaceWith(field);
  } else if (ticket) location.replace(`link${location.hash}`);
};
addEventListener('hashchange', take);
take();
// A button that lets a program in works half a second after the page was last hidden or without focus: no click that was meant for what
// lay on top of it counts. Until this script is there the style sheet hides the button for as long.
for (const button of document.querySelectorAll('.late')) {
  let wait;
  const look = () => {
    clearTimeout(wait);
    button.disabled = true;
    if (document.hasFocus()) wait = setTimeout(() => (button.disabled = false), 500);
  };
  for (const what of ['focus', 'blur', 'pageshow']) addEventListener(what, look);
  look();
}
// What else is in a form is sent with it.
const send = (form, values) => {
  for (const name in values) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value: values[name] }));
  form.submit();
};
// What is in the form to sign in, which stands before that of the buttons, goes along.
const along = form => {
  const { stay, code, username, rd } = form.previousElementSibling?.elements ?? {}, values = {};
  for (const field of [code, username, rd]) if (field) values[field.name] = field.value;
  if (stay) values.stay = stay.type === 'hidden' ? stay.value : stay.checked;
  return values;
};
const show = button => { button.hidden = button.form.hidden = false; };
// Passkeys: a button that has a challenge is shown where the browser knows what that is. It sends what the authenticator says. At the sign-in they
// are offered in the field for the name, too.
const decode = text => Uint8Array.from(atob(text.replace(/[-_]/g, c => c > '-' ? '/' : '+')), c => c.charCodeAt());
const base64 = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const encode = buffer => base64(buffer).replace(/[+/=]/g, c => c > '/' ? '' : c > '+' ? '_' : '-');
for (const button of window.PublicKeyCredential ? document.querySelectorAll('[data-challenge]') : []) {
  const { form, dataset: { rp, user, name, algorithms } } = button, challenge = decode(button.dataset.challenge);
  let waiting;
  const register = async signal => {
    const { response } = await navigator.credentials.create({ signal, publicKey: { challenge, rp: { id: rp, name: rp }, user: { id: decode(user), name, displayName: name },
      pubKeyCredParams: JSON.parse(algorithms).map(alg => ({ type: 'public-key', alg })), authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' } } });
    return { data: encode(response.getAuthenticatorData()), client_data: encode(response.clientDataJSON) };
  };
  const signIn = async (signal, mediation) => {
    const { id, response } = await navigator.credentials.get({ signal, mediation, publicKey: { challenge, rpId: rp, userVerification: 'required' } });
    return { id, data: encode(response.authenticatorData), client_data: encode(response.clientDataJSON), signature: encode(response.signature), handle: encode(response.userHandle),
      ...along(form) };
  };
  const ask = mediation => {
    waiting?.abort();
    waiting = new AbortController();
    (user ? register : signIn)(waiting.signal, mediation).then(values => send(form, values), () => {});
  };
  button.onclick = () => form.reportValidity() && ask();
  show(button);
  if (form.matches('.ways')) PublicKeyCredential.isConditionalMediationAvailable?.().then(yes => yes && ask('conditional'));
}
// Wallets: a button for a chain is shown where an extension for it answers, Freighter by messages. The wallet says its address, this host writes the text
// for it, and the wallet signs that. An extension may come later than the page.
const freighter = (type, more) => new Promise(resolve => {
  const messageId = Math.random();
  addEventListener('message', function hear({ source, data }) {
    if (source !== window || data?.source !== 'FREIGHTER_EXTERNAL_MSG_RESPONSE' || data.messagedId !== messageId) return;
    removeEventListener('message', hear);
    resolve(data);
  });
  postMessage({ source: 'FREIGHTER_EXTERNAL_MSG_REQUEST', messageId, type, ...more }, location.origin);
});
const bytes = text => new TextEncoder().encode(text);
const wallets = {
  stellar: [async () => window.freighter || (await freighter('REQUEST_CONNECTION_STATUS')).isConnected,
    async () => (await freighter('REQUEST_ACCESS')).publicKey,
    async (blob, accountToSign) => (await freighter('SUBMIT_BLOB', { blob, accountToSign, apiVersion: '6.0.1' })).signedBlob],
  solana: [async () => window.solana,
    async () => (await window.solana.connect()).publicKey.toString(),
    async text => base64((await window.solana.signMessage(bytes(text))).signature)],
};
for (const button of document.querySelectorAll('[data-chain]')) {
  const { form, dataset: { chain } } = button, [isThere, connect, sign] = wallets[chain];
  const ask = async () => {
    const address = await connect();
    if (!address) return;
    const answer = await fetch('wallet/challenge', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ chain, address }) });
    const { message } = (await answer.json()).data, signature = await sign(message, address);
    if (signature) send(form, { id: `${chain}:${address}`, data: encode(bytes(message)), signature, ...along(form) });
  };
  button.onclick = () => form.reportValidity() && ask().catch(() => {});
  for (const wait of [0, 1000]) addEventListener('load', () => setTimeout(async () => await isThere() && show(button), wait));
}
