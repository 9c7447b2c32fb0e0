// The operator's link: its ticket stands behind a '#', which a browser tells no server. So it is put into the form here,
// and taken out of the address, where it would stay in the history. Without script a person pastes the link.
// What is in the field already can be tried again, and needn't be seen.
const ticket = location.hash.split('#link=')[1], field = document.querySelector('[name=ticket]');
if (field && (field.value = ticket || field.value)) {
  history.replaceState(0, '', 'link');
  field.type = 'hidden';
  field.closest('label').replaceWith(field);
} else if (ticket) location.replace(`link${location.hash}`);
