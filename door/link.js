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
// Passkeys: a form that has a challenge is shown where the browser knows what that is. It is filled with what the authenticator says, and
// sent as any other. At the sign-in they are offered in the field for the name, too; what else is typed or ticked in that form, which stands
// before this one, goes along.
const decode = text => Uint8Array.from(atob(text.replace(/[-_]/g, c => c > '-' ? '/' : '+')), c => c.charCodeAt());
const encode = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/[+/=]/g, c => c > '/' ? '' : c > '+' ? '_' : '-');
for (const form of window.PublicKeyCredential ? document.querySelectorAll('[data-challenge]') : []) {
  const { rp, user, name, algorithms } = form.dataset, challenge = decode(form.dataset.challenge), fill = form.elements;
  let waiting;
  const register = async signal => {
    const { response } = await navigator.credentials.create({ signal, publicKey: { challenge, rp: { id: rp, name: rp }, user: { id: decode(user), name, displayName: name },
      pubKeyCredParams: JSON.parse(algorithms).map(alg => ({ type: 'public-key', alg })), authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' } } });
    fill.data.value = encode(response.getAuthenticatorData());
    return response;
  };
  const signIn = async (signal, mediation) => {
    const { id, response } = await navigator.credentials.get({ signal, mediation, publicKey: { challenge, rpId: rp, userVerification: 'required' } });
    fill.id.value = id;
    fill.data.value = encode(response.authenticatorData);
    fill.signature.value = encode(response.signature);
    fill.handle.value = encode(response.userHandle);
    const { stay, code } = form.previousElementSibling.elements;
    fill.stay.value = stay.type === 'hidden' ? stay.value : stay.checked;
    if (code) fill.code.value = code.value;
    return response;
  };
  const ask = mediation => {
    waiting?.abort();
    waiting = new AbortController();
    (user ? register : signIn)(waiting.signal, mediation).then(response => {
      fill.client_data.value = encode(response.clientDataJSON);
      form.submit();
    }, () => {});
  };
  form.querySelector('button').onclick = () => ask();
  form.hidden = false;
  if (!user) PublicKeyCredential.isConditionalMediationAvailable?.().then(yes => yes && ask('conditional'));
}
