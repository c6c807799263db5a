/* Elements, the dialog, and what is said aloud. Everything that comes from HR becomes text, never markup. */

export const $ = (id) => document.getElementById(id);

/* An element with properties and children; strings become text. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name === 'class') element.className = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) if (child !== undefined && child !== null && child !== false) element.append(child);
  return element;
}

/* A button. While it is not `ready` it stays where the focus is, and does nothing. */
export function button(id, text, act, { ready = true, kind, label } = {}) {
  return h('button', { type: 'button', id, class: kind, 'aria-label': label, 'aria-disabled': !ready && 'true', on: { click: () => ready && act() } }, text);
}

/* Replaces what is inside, and leaves the focus where it was if there is something of that id again. */
export function fill(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement.id : '';
  container.replaceChildren(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  if (focused && $(focused)) $(focused).focus({ preventScroll: true });
}

let saying;
export function say(text) {
  clearTimeout(saying);
  $('live').textContent = text;
  saying = setTimeout(() => { $('live').textContent = ''; }, 12000);
}

/* Asks; resolves to whether the answer is yes. The focus begins on "Cancel" and returns to where it was. */
export function confirmed({ title, text, yes, danger }) {
  const dialog = $('dialog');
  const opener = document.activeElement ? document.activeElement.id : '';
  $('dialog-title').textContent = title;
  fill($('dialog-text'), text.map((line) => h('p', {}, line)));
  const button = $('dialog-yes');
  button.textContent = yes;
  button.className = danger ? 'danger' : 'main';
  return new Promise((resolve) => {
    const end = (answer) => {
      button.onclick = null;
      $('dialog-no').onclick = null;
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      if (opener && $(opener)) $(opener).focus();
      resolve(answer);
    };
    button.onclick = () => end(true);
    $('dialog-no').onclick = () => end(false);
    dialog.onclose = () => end(false);
    dialog.showModal();
    $('dialog-no').focus();
  });
}

/* Columns: [heading, cell(row)]; the first is the row's heading. On a phone the rows are cards, and roles keep them a table. */
export function table(caption, columns, rows) {
  return h('table', { role: 'table' },
    h('caption', {}, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map(([name]) => h('th', { scope: 'col', role: 'columnheader' }, name)))),
    h('tbody', { role: 'rowgroup' }, rows.map((row) => h('tr', { role: 'row' }, columns.map(([name, cell], i) => (i === 0
      ? h('th', { scope: 'row', role: 'rowheader' }, cell(row))
      : h('td', { role: 'cell', 'data-label': name !== 'Action' && name }, cell(row))))))));
}
