/* The status page of Rollcall. Everything that comes from HR is put into the page as text, never as markup (and the
 * page's policy makes the browser refuse anything else). */
'use strict';

/* ---- words ---- */

const plural = (n, one, many) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : many}`;
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
const people = (n) => plural(n, 'person', 'people');

const EVENTS = {
  'created': { title: 'New accounts', text: 'people who join get an account' },
  'profile-updated': { title: 'Profiles', text: 'names, addresses, titles and other details are updated' },
  'team-changed': { title: 'Teams', text: 'people are moved between teams' },
  'deactivated': { title: 'Leavers', text: 'accounts of people who left are deactivated' },
};
const ALL_EVENTS = Object.keys(EVENTS);

const REASONS = {
  HELD: { title: 'Waits for your decision', text: 'unusually many such changes came at once, so nobody is changed before you agree' },
  NO_EMAIL: { title: 'No e-mail address', text: 'HR has no e-mail address for them', mend: 'Enter the work e-mail address in HR.' },
  NO_NAME: { title: 'No name', text: 'HR has no first or last name for them', mend: 'Enter first and last name in HR.' },
  EMAIL_COLLISION: { title: 'Same e-mail address', text: 'somebody else has the same e-mail address', mend: 'Give one of the two another address in HR.' },
  NOT_YET: { title: 'Not yet time', text: 'their account is made later, before or on the day they start' },
  ABSENT_ONCE: { title: 'Missing from HR', text: 'they were missing when HR was last read; Rollcall looks again before it believes it' },
  REJECTED: { title: 'You decided: no change', text: 'somebody decided that they stay as they are, until HR changes again' },
  PAUSED: { title: 'Paused', text: 'this kind of change is paused' },
};

const GONE = {
  INACTIVE: 'set inactive in HR',
  TERMINATION_DATE: 'last day',
  DELETED: 'deleted in HR',
  MISSING: 'missing from HR',
  OUT_OF_SCOPE: 'no longer among the people who are to be synchronised',
  RESYNC: 'has left',
};

const FIELDS = {
  email: 'E-mail', first_name: 'First name', last_name: 'Last name', job_title: 'Job title', avatar: 'Picture',
  manager_email: 'Manager', language: 'Language', status: 'Status', hire_date: 'First day', leave_date: 'Last day',
  primary_location: 'Location', primary_team: 'Team', secondary_teams: 'Other teams',
};

const STATUS = { ACTIVE: 'employed', LEAVE: 'on leave', PENDING: 'not started yet', INACTIVE: 'inactive', UNKNOWN: 'unknown' };

/* What a held list is about, and what the two answers to it do. */
const CLASSES = {
  deactivations: {
    title: (n) => `${people(n)} would lose ${n === 1 ? 'their' : 'their'} Learn Amp account`,
    noun: 'deactivations',
    yes: (n) => `Deactivate ${people(n)}`,
    yesTitle: (n) => `Deactivate ${people(n)}?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'loses' : 'lose'} their Learn Amp account: teams, tasks and enrolments are destroyed and cannot be brought back.`],
    danger: true,
    no: (n) => `Keep ${people(n)}`,
    noTitle: (n) => `Keep the ${n === 1 ? 'account' : 'accounts'} of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} their Learn Amp account, although HR says that they left.`,
      'Rollcall asks again about somebody only when their status, leave date or presence in HR changes.'],
  },
  creations: {
    title: (n) => `${people(n)} would get a Learn Amp account`,
    noun: 'new accounts',
    yes: (n) => `Create ${plural(n, 'account', 'accounts')}`,
    yesTitle: (n) => `Create ${plural(n, 'account', 'accounts')}?`,
    yesText: (n, customer) => [`${people(n)} ${n === 1 ? 'gets' : 'get'} a Learn Amp account.`,
      customer.invites ? 'Learn Amp sends each of them an invitation by e-mail.' : 'Nobody is invited by e-mail.'],
    no: (n) => `Leave ${people(n)} out`,
    noTitle: (n) => `Leave ${people(n)} out?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'gets' : 'get'} no Learn Amp account.`,
      'Rollcall asks again about somebody only when their status, dates or address in HR change.'],
  },
  team_changes: {
    title: (n) => `${people(n)} would change teams`,
    noun: 'team changes',
    yes: (n) => `Move ${people(n)}`,
    yesTitle: (n) => `Move ${people(n)} to other teams?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'is' : 'are'} moved to the teams that HR shows for them. What a team assigns to its members at Learn Amp follows.`],
    no: (n) => `Leave ${people(n)} where they are`,
    noTitle: (n) => `Leave ${people(n)} in their teams?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'stays' : 'stay'} in the present teams at Learn Amp.`, 'Rollcall asks again about somebody when their teams in HR change.'],
  },
  email_changes: {
    title: (n) => `${people(n)} would get another e-mail address`,
    noun: 'address changes',
    yes: (n) => `Change ${plural(n, 'address', 'addresses')}`,
    yesTitle: (n) => `Change ${plural(n, 'address', 'addresses')}?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'signs' : 'sign'} in to Learn Amp with the new address from then on, and ${n === 1 ? 'gets' : 'get'} its mail there.`],
    no: (n) => `Keep ${plural(n, 'address', 'addresses')}`,
    noTitle: (n) => `Keep the present ${n === 1 ? 'address' : 'addresses'} of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present address at Learn Amp.`, 'Rollcall asks again about somebody when their address in HR changes.'],
  },
  profile_changes: {
    title: (n) => `${plural(n, 'profile', 'profiles')} would change`,
    noun: 'profile changes',
    yes: (n) => `Change ${plural(n, 'profile', 'profiles')}`,
    yesTitle: (n) => `Change ${plural(n, 'profile', 'profiles')}?`,
    yesText: (n) => [`The Learn Amp ${n === 1 ? 'profile' : 'profiles'} of ${people(n)} ${n === 1 ? 'is' : 'are'} changed as the list shows.`],
    no: (n) => `Keep ${plural(n, 'profile', 'profiles')}`,
    noTitle: (n) => `Keep ${plural(n, 'profile', 'profiles')}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present profile at Learn Amp.`, 'Rollcall asks again about somebody when their details in HR change.'],
  },
  cleared_values: {
    title: (n) => `${people(n)} would lose details in their ${n === 1 ? 'profile' : 'profiles'}`,
    noun: 'emptied values',
    yes: (n) => `Empty the details of ${people(n)}`,
    yesTitle: (n) => `Empty details of ${people(n)}?`,
    yesText: (n) => [`What HR no longer has is emptied in the Learn Amp ${n === 1 ? 'profile' : 'profiles'} of ${people(n)}. Check first that Rollcall may still read these fields in HR: a permission that was taken away looks just like this.`],
    danger: true,
    no: (n) => `Keep the details of ${people(n)}`,
    noTitle: (n) => `Keep the details of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present details at Learn Amp.`, 'Rollcall asks again about somebody when these fields in HR change.'],
  },
};

/* Why a change could not be delivered. */
const DEAD = {
  REJECTED: { title: 'Learn Amp refused it', mend: 'Correct the value in HR or at Learn Amp, then try again.' },
  IDENTITY_CONFLICT: { title: 'The address belongs to somebody else at Learn Amp', mend: 'Find that user at Learn Amp and give them their own address, then try again.' },
  POISON: { title: 'The record cannot be read', mend: 'Ask IT: a newer release of Rollcall may read it.' },
};
const DEAD_OTHER = { title: 'It was given up', mend: 'See what is said, then try again.' };

const TRIGGERS = { POLL: 'By the clock', WEBHOOK: 'HR reported a change', SCHEDULE: 'A new day', COMMAND: 'Somebody asked for it', RESYNC: 'Somebody asked for it' };

/* ---- the page's own tools ---- */

const $ = (id) => document.getElementById(id);

/* An element with properties and children; strings become text. */
function h(tag, props, ...children) {
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
function button(id, text, act, { ready = true, kind, label } = {}) {
  return h('button', { type: 'button', id, class: kind, 'aria-label': label, 'aria-disabled': !ready && 'true', on: { click: () => ready && act() } }, text);
}

/* Replaces what is inside, and leaves the focus where it was if there is something of that id again. */
function fill(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement.id : '';
  container.replaceChildren(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  if (focused && $(focused)) $(focused).focus({ preventScroll: true });
}

let saying;
function say(text) {
  clearTimeout(saying);
  $('live').textContent = text;
  saying = setTimeout(() => { $('live').textContent = ''; }, 12000);
}

const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
const day = (text) => (text ? DAY.format(new Date(`${text}T00:00:00Z`)) : '');

/* A moment as the customer's clocks show it. */
function moment(text) {
  if (!text) return '';
  const customer = current();
  const options = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' };
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: customer ? customer.timezone : 'UTC', timeZoneName: 'short' }).format(new Date(text));
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC', timeZoneName: 'short' }).format(new Date(text));
  }
}
const time = (text) => h('time', { datetime: text }, moment(text));

/* ---- the server ---- */

const session = { csrf: '', needsToken: false };
class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

async function ask(method, path, body, again) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-Rollcall-CSRF'] = session.csrf;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'same-origin' });
  } catch {
    throw new Refused(0, 'Rollcall does not answer. It is tried again by itself.');
  }
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  /* The process was started anew, and does not know what it gave us. */
  if (answer.status === 403 && method !== 'GET' && !again) {
    await learnSession();
    return ask(method, path, body, true);
  }
  throw new Refused(answer.status, json.error || `the answer was ${answer.status}`);
}

const query = (path, args) => `${path}?${new URLSearchParams(Object.entries(args).filter(([, value]) => value !== undefined && value !== ''))}`;
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/* A list that is still being made comes when it is made. */
async function askList(path) {
  for (let i = 0; ; i++) {
    try {
      return await ask('GET', path);
    } catch (error) {
      if (error.status !== 503 || i === 60) throw error;
      await pause(i < 10 ? 200 : 1000);
    }
  }
}

async function learnSession() {
  const answer = await ask('GET', '/api/session');
  session.csrf = answer.csrf || '';
  session.needsToken = answer.needs_token;
  return answer.signed_in;
}

/* ---- where we are: #/section/customer ---- */

const state = { customers: [], unattended: [], watched: new Set(), shown: '', view: null, timer: 0, problem: '' };

function place() {
  const [, section, customer] = location.hash.split('/');
  return { section: SECTIONS[section] ? section : '', customer: customer ? decodeURIComponent(customer) : '' };
}

function current() {
  const { customer } = place();
  return state.customers.find((one) => one.id === customer) || (state.customers.length === 1 ? state.customers[0] : undefined);
}

const link = (section, customer) => `#/${section}/${encodeURIComponent(customer.id)}`;

/* ---- confirmation ---- */

/* Asks; resolves to whether the answer is yes. The focus begins on "Cancel" and returns to where it was. */
function confirmed({ title, text, yes, danger }) {
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

/* ---- orders ---- */

function orderText(order) {
  const n = order.employees || 0;
  const list = order.class ? CLASSES[order.class].noun : '';
  const events = (order.events || []).length === ALL_EVENTS.length ? 'everything' : (order.events || []).map((type) => EVENTS[type].title).join(', ');
  switch (order.what) {
    case 'APPROVE': return `Carry out ${n} ${list}`;
    case 'REJECT': return `Do not carry out ${n} ${list}`;
    case 'PAUSE': return `Pause ${events}`;
    case 'RESUME': return `Resume ${events}`;
    default: return 'Look at HR now';
  }
}

const ORDER_STATUS = { 'under way': 'under way', done: 'done', failed: 'failed', unanswered: 'nobody answered: is a producer running?' };
const underWay = (customer, test) => (customer.orders || []).find((order) => order.status === 'under way' && test(order));

async function send(customer, body) {
  try {
    const order = await ask('POST', '/api/orders', { integration: customer.id, ...body });
    state.watched.add(order.id);
    say(`${orderText(order)}: under way.`);
  } catch (error) {
    say(`That did not work: ${error.message}`);
  }
  await refresh();
}

/* Says so when an order ends while somebody looks. */
function announceEnds() {
  for (const order of state.customers.flatMap((customer) => customer.orders || [])) {
    if (order.status === 'under way') {
      state.watched.add(order.id);
    } else if (state.watched.delete(order.id)) {
      say(order.status === 'done' ? `${orderText(order)}: done.` : `${orderText(order)}: ${order.message || ORDER_STATUS[order.status]}`);
    }
  }
}

/* ---- lists: search, pages ---- */

const PAGE_SIZE = 50;

/* A list that the server searches and cuts. `load({search, offset, limit, …})` gives {total, rows}; `show(rows)` a table. */
class List {
  constructor({ id, label, load, show, none, filters }) {
    Object.assign(this, { id, load, show, none, offset: 0, last: '' });
    this.body = h('div', { id: `${id}-body` });
    this.search = h('input', { type: 'search', id: `${id}-search`, autocomplete: 'off', on: { input: () => this.later() } });
    this.filters = filters || [];
    this.tools = h('div', { class: 'tools', role: 'search', 'aria-label': label },
      h('div', {}, h('label', { for: `${id}-search` }, 'Search by name, e-mail address or ID'), this.search),
      this.filters.map((filter) => h('div', {}, h('label', { for: filter.select.id }, filter.label), filter.select)));
    for (const filter of this.filters) filter.select.addEventListener('change', () => this.begin());
    this.element = h('div', {}, this.tools, this.body);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.begin(), 200);
  }

  begin() {
    this.offset = 0;
    this.refresh(true);
  }

  async refresh(aloud) {
    const args = { search: this.search.value, offset: this.offset, limit: PAGE_SIZE };
    for (const filter of this.filters) args[filter.name] = filter.select.value;
    const number = this.number = (this.number || 0) + 1;
    let answer;
    try {
      answer = await this.load(args);
    } catch (error) {
      if (error.status === 401) { await start(); return; }
      if (number === this.number) { this.last = ''; fill(this.body, h('p', { class: 'error' }, error.message)); }
      return;
    }
    if (number !== this.number) return; /* a later question was answered first, or will be */
    if (answer.total && !answer.rows.length && this.offset) { this.offset = 0; this.refresh(aloud); return; }
    const text = JSON.stringify([answer, args]);
    if (text !== this.last) { this.last = text; this.draw(answer); }
    if (aloud) say(answer.total ? `${people(answer.total)} found` : 'Nobody found');
  }

  draw(answer) {
    if (!answer.total) {
      fill(this.body, h('p', {}, this.search.value ? 'Nobody is found by these words.' : this.none));
      this.tools.hidden = !this.search.value && !this.filters.some((filter) => filter.select.value);
      return;
    }
    this.tools.hidden = answer.total <= 5 && !this.search.value && !this.filters.length;
    fill(this.body, this.show(answer), answer.total > PAGE_SIZE && this.pager(answer));
  }

  pager(answer) {
    const last = this.offset + answer.rows.length;
    const go = (offset) => () => { this.offset = offset; this.refresh(true).then(() => this.element.scrollIntoView()); };
    return h('nav', { class: 'pager', 'aria-label': 'Pages of the list' },
      button(`${this.id}-before`, 'Previous', go(Math.max(0, this.offset - PAGE_SIZE)), { ready: this.offset > 0 }),
      button(`${this.id}-after`, 'Next', go(this.offset + PAGE_SIZE), { ready: last < answer.total }),
      h('p', {}, `${(this.offset + 1).toLocaleString('en-GB')} to ${last.toLocaleString('en-GB')} of ${answer.total.toLocaleString('en-GB')}`));
  }
}

/* Columns: [heading, cell(row)]; the first is the row's heading. On a phone the rows are cards, and roles keep them a table. */
function table(caption, columns, rows) {
  return h('table', { role: 'table' },
    h('caption', {}, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map(([name]) => h('th', { scope: 'col', role: 'columnheader' }, name)))),
    h('tbody', { role: 'rowgroup' }, rows.map((row) => h('tr', { role: 'row' }, columns.map(([name, cell], i) => (i === 0
      ? h('th', { scope: 'row', role: 'rowheader' }, cell(row))
      : h('td', { role: 'cell', 'data-label': name !== 'Action' && name }, cell(row))))))));
}

/* ---- pieces ---- */

/* A name keeps its own direction of writing. */
const named = (name) => h('bdi', {}, name);
const who = (row) => [named(row.name), row.name !== row.email && row.email && h('span', { class: 'sub' }, row.email),
  h('span', { class: 'sub' }, `ID ${row.employee_id}`)];

function fieldValue(field, value) {
  if (value === undefined) return 'nothing';
  if (field === 'hire_date' || field === 'leave_date') return day(value);
  if (field === 'status') return STATUS[value] || value;
  if (field === 'avatar') return 'a picture';
  return value;
}

const fieldName = (field) => FIELDS[field] || field.replace(/^custom:/, '');

function changes(row) {
  return h('ul', {}, (row.changes || []).map((change) => h('li', {}, `${fieldName(change.field)}: `,
    h('span', { class: change.before === undefined ? '' : 'was' }, fieldValue(change.field, change.before)), ' ',
    h('span', { class: 'hidden-text' }, 'becomes'), h('span', { 'aria-hidden': 'true' }, '→'), ' ', fieldValue(change.field, change.after))));
}

function gone(row) {
  if (row.gone_reason === 'TERMINATION_DATE') return `Last day was ${day(row.leave_date || row.effective_date)}`;
  const text = GONE[row.gone_reason] || 'has left';
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function would(row) {
  switch (row.would) {
    case 'create': return ['Gets an account', row.hire_date && h('span', { class: 'sub' }, `First day: ${day(row.hire_date)}`)];
    case 'deactivate': return ['Account is deactivated', h('span', { class: 'sub' }, gone(row))];
    case 'update': return (row.changes || []).length ? changes(row) : 'Nothing changes';
    default: return 'Nothing until HR is corrected';
  }
}

function why(row) {
  const lines = row.reasons.map((reason) => {
    const words = REASONS[reason];
    if (reason === 'EMAIL_COLLISION' && row.same_address) return `${words.title}: ${row.same_address.name} (ID ${row.same_address.employee_id}) has it too`;
    return `${words.title}: ${words.text}`;
  });
  return lines.length === 1 ? lines[0] : h('ul', {}, lines.map((line) => h('li', {}, line)));
}

const notice = (kind, title, ...content) => h('section', { class: `card notice ${kind}` }, h('h2', {}, title), content);
const figure = (name, value, section) => h('div', {}, h('dt', {}, name),
  h('dd', {}, value === undefined ? '…' : section && value ? h('a', { href: link(section, current()) }, value.toLocaleString('en-GB')) : value.toLocaleString('en-GB')));

/* ---- overview ---- */

function integrationNotice(customer) {
  const meanwhile = h('p', {}, 'Nobody is changed or deactivated because of this. Rollcall asks again by itself',
    customer.next_poll_at ? [': ', time(customer.next_poll_at)] : '', '.');
  switch (customer.state) {
    case 'NEEDS_CUSTOMER':
      return notice('bad', 'HR cannot be read until somebody acts',
        h('p', {}, h('strong', {}, 'What Kombo says: '), customer.reason || 'nothing more'),
        h('p', {}, h('strong', {}, 'What to do: '), 'an administrator of the HR system opens the integration in Kombo and follows what it asks for: usually to sign in again, or to grant a permission. When that is done, choose “Look at HR now”.'),
        meanwhile);
    case 'MISCONFIGURED':
      return notice('bad', 'The configuration of Rollcall does not fit',
        h('p', {}, h('strong', {}, 'What is wrong: '), customer.reason || 'unknown'),
        h('p', {}, h('strong', {}, 'What to do: '), 'IT corrects the configuration and starts Rollcall again. The command ',
          h('code', {}, 'rollcall-producer check'), ' says what to correct.'),
        meanwhile);
    case 'RETRYING':
      return notice('warn', 'HR could not be read just now',
        h('p', {}, customer.reason || ''), meanwhile);
    default:
      return null;
  }
}

function pausedNotice(customer) {
  if (!(customer.paused || []).length) return null;
  const all = customer.paused.length === ALL_EVENTS.length;
  return notice('warn', all ? 'Everything is paused' : `Paused: ${customer.paused.map((type) => EVENTS[type].title).join(', ')}`,
    h('p', {}, all ? 'Nothing is changed at Learn Amp until somebody resumes. HR is still read, and what changes there waits.'
      : 'These changes wait until somebody resumes. All others go on.'));
}

/* Without consumers changes are published and nobody carries them out. */
function unattendedNotice() {
  if (!state.unattended.length) return null;
  const all = state.unattended.length === ALL_EVENTS.length;
  return notice('bad', 'Learn Amp does not get these changes at the moment',
    h('p', {}, all ? 'No program is running that carries out changes at Learn Amp.'
      : `No program is running that carries out: ${state.unattended.map((type) => EVENTS[type].title).join(', ')}.`),
    h('p', {}, h('strong', {}, 'What to do: '), 'IT starts ', h('code', {}, 'rollcall-consumer run'), '. Nothing is lost meanwhile: it goes on where it ended.'));
}

function headline(customer) {
  const waiting = customer.waiting || {};
  if (!customer.state) return notice('warn', 'HR was not read yet', h('p', {}, 'Rollcall reads HR as soon as a producer takes this customer over, usually within a minute.'));
  const todo = [];
  if (waiting.for_decision) todo.push(h('li', {}, h('a', { href: link('decisions', customer) }, `${people(waiting.for_decision)} ${waiting.for_decision === 1 ? 'waits' : 'wait'} for your decision`)));
  if (customer.not_delivered) todo.push(h('li', {}, h('a', { href: link('letters', customer) }, `${plural(customer.not_delivered, 'change', 'changes')} could not be delivered to Learn Amp`)));
  if (waiting.for_hr) todo.push(h('li', {}, h('a', { href: link('work', customer) }, `${people(waiting.for_hr)} ${waiting.for_hr === 1 ? 'needs' : 'need'} something corrected in HR`)));
  if (todo.length) return notice(waiting.for_decision || customer.not_delivered ? 'warn' : '', 'What needs somebody', h('ul', {}, todo));
  if (customer.state !== 'OK' || (customer.paused || []).length || state.unattended.length) return null;
  if (!customer.waiting) return notice('', 'The lists are being made', h('p', {}, 'A moment, please.'));
  return notice('good', customer.imported ? 'Everyone is in step' : 'The first import is under way',
    h('p', {}, customer.imported ? 'Nobody waits for you.' : 'People appear at Learn Amp as they are read.'));
}

function pauseTable(customer) {
  const busy = underWay(customer, (order) => order.what === 'PAUSE' || order.what === 'RESUME');
  const paused = new Set(customer.paused || []);
  const act = (what, events) => async () => {
    const all = events.length === ALL_EVENTS.length;
    const names = all ? 'everything' : EVENTS[events[0]].title.toLowerCase();
    const yes = await confirmed(what === 'PAUSE' ? {
      title: `Pause ${names}?`, yes: `Pause ${names}`, danger: false,
      text: [all ? 'Nothing more is changed at Learn Amp for this customer, from now until somebody resumes.' : 'These changes are no longer made at Learn Amp, until somebody resumes.',
        'HR is still read. What changes there waits and is listed on this page.'],
    } : {
      title: `Resume ${names}?`, yes: `Resume ${names}`, danger: false,
      text: ['What has waited is carried out now, unless it waits for something else as well.'],
    });
    if (yes) await send(customer, { what, events });
  };
  return h('section', { class: 'card', 'aria-labelledby': 'pause-title' },
    h('h2', { id: 'pause-title' }, 'Pause'),
    h('p', {}, 'The stop button. People keep what they have at Learn Amp.'),
    table('Kinds of changes, and whether they are carried out', [
      ['Changes', (type) => [EVENTS[type].title, h('span', { class: 'sub' }, EVENTS[type].text)]],
      ['State', (type) => (paused.has(type) ? 'Paused' : 'Carried out')],
      ['Action', (type) => button(`pause-${type}`, paused.has(type) ? 'Resume' : 'Pause', act(paused.has(type) ? 'RESUME' : 'PAUSE', [type]),
        { ready: !busy, label: `${paused.has(type) ? 'Resume' : 'Pause'}: ${EVENTS[type].title}` })],
    ], ALL_EVENTS),
    h('div', { class: 'buttons' },
      paused.size < ALL_EVENTS.length && button('pause-all', 'Pause everything', act('PAUSE', ALL_EVENTS), { ready: !busy }),
      paused.size > 0 && button('resume-all', 'Resume everything', act('RESUME', ALL_EVENTS), { ready: !busy, kind: 'main' }),
      busy && h('span', { class: 'muted' }, `${orderText(busy)}: under way …`)));
}

function ordersCard(customer, most) {
  const orders = (customer.orders || []).slice(0, most);
  if (!orders.length) return null;
  return h('section', { class: 'card', 'aria-labelledby': 'orders-title' },
    h('h2', { id: 'orders-title' }, 'What was ordered on this page'),
    table('The last orders', [
      ['Order', (order) => orderText(order)],
      ['When', (order) => time(order.issued_at)],
      ['State', (order) => [ORDER_STATUS[order.status], order.message && h('span', { class: 'sub' }, order.message)]],
    ], orders));
}

function overview(customer) {
  const waiting = customer.waiting || {};
  const looking = underWay(customer, (order) => order.what === 'POLL');
  const poll = customer.last_poll;
  return [
    h('h1', {}, customer.name),
    integrationNotice(customer), unattendedNotice(), pausedNotice(customer), headline(customer),
    waiting.error && notice('bad', 'The lists could not be made', h('p', {}, waiting.error)),
    h('dl', { class: 'figures' },
      figure('People in HR', customer.employees),
      figure('Sent to Learn Amp', customer.announced),
      figure('Wait for your decision', waiting.for_decision, 'decisions'),
      figure('To correct in HR', waiting.for_hr, 'work'),
      figure('Not delivered', customer.not_delivered, 'letters'),
      figure('Waiting in all', waiting.total, 'waiting')),
    h('section', { class: 'card', 'aria-labelledby': 'polls-title' },
      h('h2', { id: 'polls-title' }, 'Reading HR'),
      h('dl', { class: 'facts' },
        h('dt', {}, 'Last read'), h('dd', {}, poll ? [time(poll.finished_at || poll.started_at), `, ${plural(poll.read, 'record', 'records')} read, ${plural(poll.events, 'change', 'changes')}`] : 'not yet'),
        customer.next_poll_at && [h('dt', {}, 'Next time'), h('dd', {}, time(customer.next_poll_at))]),
      h('div', { class: 'buttons' },
        button('poll', looking ? 'Looking at HR …' : 'Look at HR now', () => send(customer, { what: 'POLL' }), { ready: !looking }))),
    customer.state && pauseTable(customer),
    ordersCard(customer, 5),
  ];
}

/* ---- all customers ---- */

function allCustomers() {
  const number = (value) => (value === undefined ? '…' : value.toLocaleString('en-GB'));
  const words = { OK: 'HR is read', RETRYING: 'HR could not be read just now', NEEDS_CUSTOMER: 'Somebody has to act in Kombo', MISCONFIGURED: 'The configuration does not fit' };
  return [
    h('h1', {}, 'All customers'),
    h('div', { class: 'card' }, table('Customers and what waits at each', [
      ['Customer', (one) => h('a', { href: link('overview', one), id: `go-${one.id}` }, one.name)],
      ['State', (one) => [words[one.state] || 'HR was not read yet', (one.paused || []).length > 0 && h('span', { class: 'sub' }, 'paused')]],
      ['People in HR', (one) => h('span', { class: 'number' }, number(one.employees))],
      ['Wait for your decision', (one) => h('span', { class: 'number' }, number((one.waiting || {}).for_decision))],
      ['To correct in HR', (one) => h('span', { class: 'number' }, number((one.waiting || {}).for_hr))],
      ['Not delivered', (one) => h('span', { class: 'number' }, number(one.not_delivered))],
    ], state.customers)),
  ];
}

/* ---- decisions ---- */

class Decisions {
  constructor() {
    this.element = h('div', {});
    this.cards = new Map();
  }

  update(customer) {
    const holds = customer.holds || [];
    if (!this.title) {
      this.title = h('h1', { tabindex: -1 }, 'Decisions');
      this.text = h('p', {});
      this.lists = h('div', {});
      this.element.append(this.title, this.text, this.lists);
    }
    this.text.textContent = holds.length
      ? 'More changes of one kind came than usual within 24 hours, so they wait. Look at the names, then decide. Everybody else is kept in step meanwhile.'
      : 'Nothing waits for a decision.';
    for (const [id, card] of this.cards) {
      if (holds.some((hold) => hold.id === id)) continue;
      if (card.element.contains(document.activeElement)) this.title.focus({ preventScroll: true });
      card.element.remove();
      this.cards.delete(id);
    }
    for (const hold of holds) {
      if (!this.cards.has(hold.id)) {
        const card = new Hold(hold.id);
        this.cards.set(hold.id, card);
        this.lists.append(card.element);
      }
      this.cards.get(hold.id).update(customer, hold);
    }
  }
}

/* What still stands in the way of some after the approval. */
function alsoWaits(customer, hold) {
  const lines = [];
  if (hold.in_others) lines.push(`${people(hold.in_others)} of them ${hold.in_others === 1 ? 'waits' : 'wait'} for another decision as well, and ${hold.in_others === 1 ? 'changes' : 'change'} only when that is approved too.`);
  if ((customer.paused || []).length) lines.push(`Paused at the moment: ${customer.paused.map((type) => EVENTS[type].title).join(', ')}. What is paused is carried out when somebody resumes.`);
  return lines;
}

class Hold {
  constructor(id) {
    this.id = `hold-${id}`;
    this.head = h('div', {});
    this.foot = h('div', { class: 'buttons' });
    this.list = new List({
      id: this.id, label: 'People in this list',
      load: (args) => askList(query('/api/waiting', { integration: this.customer.id, hold: id, ...args })),
      show: (answer) => table(`${people(answer.total)} in this list`, [
        ['Person', who],
        ['Job and team', (row) => [row.job_title, row.team && h('span', { class: 'sub' }, row.team)]],
        ['What would change', would],
        ...(answer.rows.some((row) => row.holds.length > 1) ? [['Waits for', (row) => (row.holds.length > 1 ? `${row.holds.length} decisions` : 'this decision')]] : []),
      ], answer.rows),
      none: 'Nobody is in this list any more.',
    });
    this.element = h('section', { class: 'card', 'aria-labelledby': `${this.id}-title` }, this.head, this.list.element, this.foot);
  }

  update(customer, hold) {
    this.customer = customer;
    const text = JSON.stringify([hold, customer.orders]);
    if (text !== this.last) { this.last = text; this.draw(customer, hold); }
    this.list.refresh(false);
  }

  draw(customer, hold) {
    const words = CLASSES[hold.class];
    const n = hold.employees;
    const busy = underWay(customer, (order) => order.hold === hold.id);
    fill(this.head,
      h('h2', { id: `${this.id}-title` }, words.title(n)),
      h('p', {}, `Held since ${moment(hold.since)}. Up to ${hold.limit.toLocaleString('en-GB')} ${words.noun} within 24 hours pass without asking.`));
    const decide = (what) => async () => {
      const yes = what === 'APPROVE';
      const answer = await confirmed({
        title: yes ? words.yesTitle(n) : words.noTitle(n), text: yes ? [...words.yesText(n, customer), ...alsoWaits(customer, hold)] : words.noText(n),
        yes: yes ? words.yes(n) : words.no(n), danger: yes && words.danger });
      if (answer) await send(customer, { what, hold: hold.id, listed_at: hold.listed_at, employees: n });
    };
    fill(this.foot,
      button(`${this.id}-approve`, `Approve: ${lower(words.yes(n))} …`, decide('APPROVE'), { ready: !busy, kind: words.danger ? 'danger' : 'main' }),
      button(`${this.id}-reject`, `Reject: ${lower(words.no(n))} …`, decide('REJECT'), { ready: !busy }),
      busy && h('span', { class: 'muted' }, `${orderText(busy)}: under way …`));
  }
}

/* ---- lists of people ---- */

class ListView {
  constructor(title, text, list) {
    this.list = list;
    this.element = h('div', {}, h('h1', {}, title), h('p', {}, text), h('div', { class: 'card' }, list.element));
  }

  update() { this.list.refresh(false); }
}

const load = (path, more) => (args) => askList(query(path, { integration: current().id, ...more, ...args }));

function workList() {
  return new ListView('To correct in HR', 'These people have no account, or an outdated one, until HR is corrected. Rollcall notices the correction by itself the next time it reads HR.', new List({
    id: 'work', label: 'People to correct in HR', none: 'Nothing is to be corrected.', load: load('/api/waiting', { reason: 'hr' }),
    show: (answer) => table(`${people(answer.total)} to correct in HR`, [
      ['Person', who],
      ['What is wrong', why],
      ['What to do', (row) => {
        const mends = row.reasons.map((reason) => REASONS[reason].mend).filter(Boolean);
        return mends.length === 1 ? mends[0] : h('ul', {}, mends.map((line) => h('li', {}, line)));
      }],
      ['Since', (row) => time(row.since)],
    ], answer.rows),
  }));
}

function waitingList() {
  const select = h('select', { id: 'waiting-reason' }, h('option', { value: '' }, 'All'),
    Object.entries(REASONS).map(([value, words]) => h('option', { value }, words.title)));
  return new ListView('Waiting', 'Everybody with a change that is known and not carried out, and why.', new List({
    id: 'waiting', label: 'People who wait', none: 'Nobody waits.', load: load('/api/waiting'),
    filters: [{ name: 'reason', label: 'Why they wait', select }],
    show: (answer) => table(`${people(answer.total)} ${answer.total === 1 ? 'waits' : 'wait'}`, [
      ['Person', who],
      ['What would change', would],
      ['Why it waits', why],
      ['Until', (row) => (row.until ? time(row.until) : 'no day is known')],
    ], answer.rows),
  }));
}

function calendar() {
  return new ListView('The next 30 days', 'Who starts, and whose last day it is, as HR says today.', new List({
    id: 'calendar', label: 'Who starts and who leaves', none: 'Nobody starts or leaves in the next 30 days.', load: load('/api/calendar'),
    show: (answer) => table(`${people(answer.starts)} ${answer.starts === 1 ? 'starts' : 'start'}, ${people(answer.leaves)} ${answer.leaves === 1 ? 'leaves' : 'leave'}`, [
      ['Day', (row) => [day(row.day), row.day === answer.today && h('span', { class: 'sub' }, 'today')]],
      ['What', (row) => (row.starts ? 'First day' : 'Last day')],
      ['Person', (row) => [named(row.name), h('span', { class: 'sub' }, `ID ${row.employee_id}`)]],
      ['Job and team', (row) => [row.job_title, row.team && h('span', { class: 'sub' }, row.team)]],
    ], answer.rows),
  }));
}

/* ---- what could not be delivered ---- */

class Letters {
  constructor() {
    this.retry = {};
    this.note = h('p', {});
    this.list = new List({
      id: 'letters', label: 'Changes that could not be delivered', none: 'Every change was delivered.',
      load: async (args) => {
        const answer = await askList(query('/api/dead-letters', { integration: this.customer.id, ...args }));
        this.tell(answer.retry);
        return answer;
      },
      show: (answer) => [table(`${plural(answer.total, 'change', 'changes')} could not be delivered to Learn Amp`, [
        ['Person', (row) => [named(row.name || 'Unknown'), h('span', { class: 'sub' }, row.employee_id ? `ID ${row.employee_id}` : '')]],
        ['Change', (row) => (row.type ? EVENTS[row.type].title : 'Unknown')],
        ['What is wrong', (row) => [(DEAD[row.reason] || DEAD_OTHER).title, row.message && h('span', { class: 'sub' }, `Learn Amp says: ${row.message}`)]],
        ['What to do', (row) => (DEAD[row.reason] || DEAD_OTHER).mend],
        ['Since', (row) => time(row.dead_lettered_at)],
        ['Action', (row) => (row.can_be_tried
          ? button(`retry-${row.partition}-${row.offset}`, 'Try again', () => this.again({ partition: row.partition, offset: row.offset }, row.name || 'This change'),
            { ready: !answer.retry.busy, label: `Try again: ${row.name || row.employee_id || 'unknown person'}` })
          : 'cannot be tried again')],
      ], answer.rows),
      answer.total > 1 && h('div', { class: 'buttons' }, button('retry-all', 'Try all again …', () => this.all(), { ready: !answer.retry.busy }))],
    });
    this.element = h('div', {}, h('h1', {}, 'Not delivered'),
      h('p', {}, 'Learn Amp did not accept these changes, and trying again by itself did not help. Everybody else is kept in step.'), this.note,
      h('div', { class: 'card' }, this.list.element));
  }

  update(customer) {
    this.customer = customer;
    this.list.refresh(false);
  }

  async all() {
    const answer = await confirmed({ title: 'Try all again?', yes: 'Try all again', text: ['Each of these changes is sent to Learn Amp once more, the oldest first. What fails again comes back to this list.'] });
    if (answer) await this.again({ all: true }, 'All');
  }

  async again(which, name) {
    this.before = this.retry.ended_at;
    try {
      await ask('POST', '/api/dead-letters', { integration: this.customer.id, ...which });
      this.asked = true;
      say(`${name}: is tried again.`);
    } catch (error) {
      say(`That did not work: ${error.message}`);
    }
    clearTimeout(this.timer);
    const watch = async () => {
      await this.list.refresh(false);
      if (this.retry.busy || this.asked) this.timer = setTimeout(watch, 500);
    };
    await watch();
  }

  /* How the last wish went. */
  tell(retry) {
    this.retry = retry;
    if (!this.asked || retry.busy || !retry.ended_at || retry.ended_at === this.before) return;
    this.asked = false;
    this.note.textContent = retry.problem ? `Trying again was not possible: ${retry.problem}` : `${plural(retry.sent, 'change was', 'changes were')} sent once more. What fails again comes back to this list.`;
    say(this.note.textContent);
  }
}

/* ---- activity ---- */

class Activity {
  constructor() {
    this.element = h('div', {});
  }

  async update(customer) {
    let answer;
    try {
      answer = await ask('GET', query('/api/activity', { integration: customer.id }));
    } catch (error) {
      fill(this.element, h('h1', {}, 'Activity'), h('p', { class: 'error' }, error.message));
      return;
    }
    const text = JSON.stringify(answer);
    if (text === this.last) return;
    this.last = text;
    fill(this.element,
      h('h1', {}, 'Activity'),
      h('section', { class: 'card', 'aria-labelledby': 'last-title' },
        h('h2', { id: 'last-title' }, 'When HR was read'),
        answer.polls.length ? table('The last times, the newest first', [
          ['When', (poll) => time(poll.failed ? poll.at : poll.finished_at || poll.started_at)],
          ['Why', (poll) => (poll.failed ? '' : TRIGGERS[poll.trigger])],
          ['How much', (poll) => (poll.failed ? '' : [poll.full ? 'Everybody' : 'What changed', h('span', { class: 'sub' }, `${plural(poll.read, 'record', 'records')} read`)])],
          ['Result', (poll) => (poll.failed ? ['Could not be read', h('span', { class: 'sub' }, poll.reason)] : plural(poll.events, 'change', 'changes'))],
        ], answer.polls) : h('p', {}, 'Not yet.')),
      ordersCard({ ...customer, orders: answer.orders }));
  }
}

/* ---- sections ---- */

class Plain {
  constructor(make) { this.make = make; this.element = h('div', {}); }

  update(customer) {
    const text = JSON.stringify([customer || state.customers, state.unattended]);
    if (text !== this.last) { this.last = text; fill(this.element, this.make(customer)); }
  }
}

const SECTIONS = {
  overview: { title: 'Overview', make: () => new Plain(overview) },
  decisions: { title: 'Decisions', make: () => new Decisions(), count: (one) => (one.waiting || {}).for_decision },
  work: { title: 'To correct in HR', make: workList, count: (one) => (one.waiting || {}).for_hr },
  waiting: { title: 'Waiting', make: waitingList },
  letters: { title: 'Not delivered', make: () => new Letters(), count: (one) => one.not_delivered },
  calendar: { title: 'Calendar', make: calendar },
  activity: { title: 'Activity', make: () => new Activity() },
};

function drawNav(customer, section) {
  const several = state.customers.length > 1;
  $('nav').hidden = !customer && !several;
  $('customer-box').hidden = !several;
  fill($('customer'), h('option', { value: '', selected: !customer }, 'All customers'),
    state.customers.map((one) => h('option', { value: one.id, selected: one === customer }, one.name)));
  const entry = (name, href, isCurrent, count) => h('li', {}, h('a', { href, id: `nav-${name}`, 'aria-current': isCurrent && 'page' },
    name === 'all' ? 'All customers' : SECTIONS[name].title,
    count > 0 && h('span', { class: 'count' }, count.toLocaleString('en-GB'))));
  fill($('sections'), several && entry('all', '#/', !customer),
    customer && Object.keys(SECTIONS).map((name) => entry(name, link(name, customer), name === section, SECTIONS[name].count && SECTIONS[name].count(customer))));
}

/* Shows the place that the address names; a new place is announced by its heading, which gets the focus. */
function show() {
  const customer = current();
  const section = customer ? place().section || 'overview' : '';
  const shown = `${customer ? customer.id : ''} ${section}`;
  const moved = state.shown !== shown;
  drawNav(customer, section);
  if (moved) {
    const first = state.shown === '';
    state.shown = shown;
    state.view = customer ? SECTIONS[section].make() : new Plain(allCustomers);
    fill($('main'), state.view.element);
    document.title = `${customer ? `${SECTIONS[section].title}, ${customer.name}` : 'All customers'} · Rollcall`;
    state.view.update(customer);
    if (!first) $('main').focus();
    window.scrollTo(0, 0);
  } else {
    state.view.update(customer);
  }
}

/* ---- time goes on ---- */

const isBusy = () => !state.deliveryIsFresh || state.customers.some((one) => !one.waiting || !one.waiting.fresh || underWay(one, () => true));

async function refresh() {
  clearTimeout(state.timer);
  try {
    const answer = await ask('GET', '/api/integrations');
    state.customers = answer.integrations;
    state.unattended = answer.unattended;
    state.deliveryIsFresh = answer.delivery_is_fresh;
    if (state.problem) { state.problem = ''; say('Rollcall answers again.'); }
    announceEnds();
    show();
  } catch (error) {
    if (error.status === 401) { await start(); return; }
    if (!state.customers.length) { state.shown = ''; fill($('main'), h('h1', {}, 'Rollcall'), h('p', { id: 'starting' }, error.status === 503 ? 'Rollcall is starting. This page goes on by itself.' : error.message)); }
    if (error.message !== state.problem && state.customers.length) say(error.message);
    state.problem = error.message;
  }
  schedule();
}

function schedule() {
  clearTimeout(state.timer);
  if (document.hidden) return;
  state.timer = setTimeout(refresh, !state.customers.length ? 1000 : isBusy() ? 700 : 5000);
}

/* ---- signing in ---- */

function signInForm(problem) {
  const field = h('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: true, 'aria-describedby': 'token-problem' });
  const text = h('p', { id: 'token-problem', class: 'error', role: 'alert' }, problem || '');
  const button = h('button', { type: 'submit', class: 'main', id: 'sign-in' }, 'Sign in');
  return h('form', { class: 'card sign-in', method: 'post', on: { submit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await ask('POST', '/api/session', { token: field.value }, true);
      session.csrf = answer.csrf;
      await start();
    } catch (error) {
      button.disabled = false;
      text.textContent = error.status === 401 ? 'This is not the token. Ask the people who run Rollcall for it.' : error.message;
      field.value = '';
      field.focus();
    }
  } } },
  h('h1', {}, 'Sign in to Rollcall'),
  h('label', { for: 'token' }, 'Access token'), field, text, button);
}

async function start() {
  clearTimeout(state.timer);
  let signedIn;
  try {
    signedIn = await learnSession();
  } catch (error) {
    fill($('main'), h('h1', {}, 'Rollcall'), h('p', { class: 'error' }, error.message));
    state.timer = setTimeout(start, 3000);
    return;
  }
  $('sign-out').hidden = !signedIn || !session.needsToken;
  if (signedIn) { await refresh(); return; }
  state.customers = [];
  state.shown = '';
  $('nav').hidden = true;
  $('customer-box').hidden = true;
  document.title = 'Sign in · Rollcall';
  if (!$('token')) {
    fill($('main'), signInForm());
    $('token').focus();
  }
}

$('sign-out').addEventListener('click', async () => {
  try { await ask('DELETE', '/api/session'); } catch { /* it is over anyway */ }
  await start();
});
$('skip').addEventListener('click', (event) => { event.preventDefault(); $('main').focus(); });
$('customer').addEventListener('change', () => {
  const one = state.customers.find((other) => other.id === $('customer').value);
  location.hash = one ? link(place().section || 'overview', one) : '#/';
});
window.addEventListener('hashchange', () => { if (state.customers.length) show(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && state.customers.length) refresh(); });
start();
