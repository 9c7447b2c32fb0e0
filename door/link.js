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
